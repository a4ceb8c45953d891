/** The commands, in the order of --help. Each is loaded when it is called, with what it needs: nobody waits for the others. */
import type { Command } from 'commander';
import type { Runner } from './runner.ts';

export type DefineCommand = (program: Command, run: Runner) => void;

export interface CommandFile {
  /** The first words that it defines. */
  readonly names: readonly string[];
  load(): Promise<DefineCommand>;
}

export const COMMANDS: readonly CommandFile[] = [
  { names: ['setup'], load: async () => (await import('./setup.ts')).setupCommand },
  { names: ['init'], load: async () => (await import('./init.ts')).initCommand },
  { names: ['mailbox'], load: async () => (await import('./mailbox.ts')).mailboxCommand },
  { names: ['domain'], load: async () => (await import('./domain.ts')).domainCommand },
  { names: ['delegate'], load: async () => (await import('./delegate.ts')).delegateCommand },
  { names: ['account'], load: async () => (await import('./account.ts')).accountCommand },
  { names: ['directory'], load: async () => (await import('./directory.ts')).directoryCommand },
  { names: ['grant'], load: async () => (await import('./grant.ts')).grantCommand },
  { names: ['revoke'], load: async () => (await import('./revoke.ts')).revokeCommand },
  { names: ['suspend', 'resume'], load: async () => (await import('./suspend.ts')).suspendCommand },
  { names: ['pause'], load: async () => (await import('./pause.ts')).pauseCommand },
  { names: ['send-mode'], load: async () => (await import('./send-mode.ts')).sendModeCommand },
  { names: ['list'], load: async () => (await import('./list.ts')).listCommand },
  { names: ['run'], load: async () => (await import('./run.ts')).runCommand },
  { names: ['filter'], load: async () => (await import('./filter.ts')).filterCommand },
  { names: ['portal'], load: async () => (await import('./portal.ts')).portalCommand },
  { names: ['shares'], load: async () => (await import('./shares.ts')).sharesCommand },
  { names: ['stand-in'], load: async () => (await import('./stand-in.ts')).standInCommand },
  { names: ['status'], load: async () => (await import('./status.ts')).statusCommand },
  { names: ['sync'], load: async () => (await import('./sync.ts')).syncCommand },
  { names: ['verify'], load: async () => (await import('./verify.ts')).verifyCommand },
  { names: ['doctor'], load: async () => (await import('./doctor.ts')).doctorCommand },
  { names: ['explain'], load: async () => (await import('./explain.ts')).explainCommand },
  { names: ['notices'], load: async () => (await import('./notices.ts')).noticesCommand },
  { names: ['audit', 'history'], load: async () => (await import('./audit.ts')).auditCommand },
  { names: ['trace'], load: async () => (await import('./trace.ts')).traceCommand },
  { names: ['who', 'what'], load: async () => (await import('./who.ts')).whoCommand },
  { names: ['server'], load: async () => (await import('./server.ts')).serverCommand },
  { names: ['database'], load: async () => (await import('./database.ts')).databaseCommand },
  { names: ['backup'], load: async () => (await import('./backup.ts')).backupCommand },
  { names: ['restore'], load: async () => (await import('./restore.ts')).restoreCommand },
  { names: ['adopt'], load: async () => (await import('./adopt.ts')).adoptCommand },
  { names: ['withdraw'], load: async () => (await import('./withdraw.ts')).withdrawCommand },
  { names: ['uninstall'], load: async () => (await import('./uninstall.ts')).uninstallCommand },
  { names: ['completion'], load: async () => (await import('./completion.ts')).completionCommand },
  { names: ['man'], load: async () => (await import('./man.ts')).manCommand },
];
