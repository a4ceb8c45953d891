/** The directory and the white list, where a site's machines share them: fetched before a command reads them, given to the others after an import. */
import type { Imported } from '../bridge/directory/shared-imports.ts';
import { failureOf } from '../bridge/shared/failure.ts';
import type { Session } from './session.ts';

/** Commands that read them, by their first word. */
const READING = ['account', 'adopt', 'delegate', 'directory', 'grant', 'mailbox'];

export async function takeSharedImports(session: Session, command: string): Promise<void> {
  const { config, files, out } = session;
  if (config.database === undefined || !READING.includes(command.split(' ')[0] ?? '')) return;
  try {
    const { takeImports } = await import('../bridge/directory/shared-imports.ts');
    const taken = await session.state((state) => takeImports(state, files.privateDirectory));
    if (taken.length > 0) out.say(`taken over, as it was imported on another machine: ${taken.join(', ')}`);
  } catch (error) {
    const { code, message, hint } = failureOf(error);
    // What else there is to say, the command itself comes to.
    if (code === 'retry') out.warn(`mandat: ${message}; what was imported here last is read\n        ${hint}`);
  }
}

export async function shareForAll(session: Session, what: Imported): Promise<void> {
  if (session.config.database === undefined) return;
  const { shareImport } = await import('../bridge/directory/shared-imports.ts');
  await session.state((state) => shareImport(state, session.files.privateDirectory, what));
}
