/** The stage of the demo: private servers, accounts, some mail, mandat installed beside them with its sidecar running. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { deliver } from '../../config/lab/deliver.ts';
import { type Lab, startLab } from '../../config/lab/lab.ts';
import { connectImap, type RawImap } from '../../config/lab/raw-imap.ts';
import { connectSmtp, type RawSmtp } from '../../config/lab/raw-smtp.ts';
import { mandatWith, startSidecar } from './program.ts';
import { openScreens, type Screens } from './screens.ts';

export const ALICE = 'alice@lab.test'; // the owner
export const BOB = 'bob@lab.test'; // the delegate
export const CAROL = 'carol@lab.test'; // a stranger
export const password = (login: string) => `${login.split('@')[0]}-secret`;

export interface Stage {
  readonly lab: Lab;
  readonly configFile: string;
  readonly sidecar: number;
  readonly screens: Screens;
  /** Runs a command line; rejects when it doesn't exit with 0. */
  mandat(...args: readonly string[]): Promise<string>;
  imap(login: string): Promise<RawImap>;
  smtp(login: string): Promise<RawSmtp>;
  stop(): Promise<void>;
}

export async function setStage(): Promise<Stage> {
  const logins = [ALICE, BOB, CAROL];
  const lab = await startLab({
    users: logins.map((login) => ({ login, password: password(login) })),
    filter: true,
    chroot: false, // smtpd reaches the filter's socket
  });
  const directory = path.dirname(lab.senderDirectory);
  const configFile = path.join(directory, 'mandat.toml');
  const screens = await openScreens(directory, logins);
  await writeFile(path.join(directory, 'imap.secret'), `${lab.master.password}\n`, { mode: 0o600 });
  await writeFile(path.join(directory, 'doveadm.secret'), `${lab.doveadm.apiKey}\n`, { mode: 0o600 });
  await writeFile(
    configFile,
    [
      'data_dir = "."',
      '[identity]',
      'scheme = "login"',
      'unknown_credential = "valid"   # the login service refuses lapsed ones itself',
      '[grant]',
      'acknowledge = false',
      '[imap]',
      `port = ${lab.imap.port}`,
      'tls = "none"   # loopback',
      `admin_user = "${lab.master.user}"`,
      '[sessions]',
      `url = "${lab.doveadm.url}"`,
      '[sender_rules]',
      '[submission]',
      'listen = "filter.sock"',
      `reinject = "${lab.reinject.host}:${lab.reinject.port}"`,
      'copy_listen = "copy.sock"',
      'copy_delay_seconds = 1   # nobody here saves a copy themselves',
      screens.toml,
    ].join('\n'),
  );
  await someMail(lab);
  const mandat = mandatWith(configFile);
  await mandat('init');
  const saying = ['filtering submissions', 'answering people'];
  const sidecar = await startSidecar(configFile, ...saying).catch(async (error: unknown) => {
    await screens.stop();
    await lab.stop();
    throw error;
  });
  return {
    lab,
    configFile,
    sidecar: sidecar.pid,
    screens,
    mandat,
    imap: async (login) => {
      const imap = await connectImap(lab.imap);
      const { status, text } = await imap.login(login, password(login));
      if (status !== 'OK') throw new Error(`${login} can't log in: ${text}`);
      return imap;
    },
    smtp: async (login) => {
      const smtp = await connectSmtp(lab.submission);
      await smtp.ehlo();
      const { code, text } = await smtp.authPlain(login, password(login));
      if (code !== 235) throw new Error(`${login} can't log in to send: ${code} ${text}`);
      return smtp;
    },
    stop: async () => {
      await sidecar.stop();
      await screens.stop();
      await lab.stop();
    },
  };
}

async function someMail(lab: Lab): Promise<void> {
  const mail = (subject: string, body: string) => ({ from: 'labo@example.test', to: ALICE, subject, body });
  await deliver(lab, ALICE, 'INBOX', mail('Results ready', 'The results you asked for are ready.'));
  await deliver(lab, ALICE, 'INBOX', mail('Appointment moved', 'Tuesday 10 o clock instead of 9.'));
  await deliver(lab, ALICE, 'Archive 2026/March', mail('Old letter', 'Filed long ago.'));
}
