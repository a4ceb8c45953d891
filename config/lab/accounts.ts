import { appendFile, chown, writeFile } from 'node:fs/promises';
import { run } from './run.ts';
import { waitFor } from './wait.ts';

/** A person of the lab. The login is a full address, such as alice@lab.test, and its mailbox's name. */
export interface LabUser {
  readonly login: string;
  readonly password: string;
}

const DOVECOT_GID_READS = 0o640;

/** Writes Dovecot's passwd-file. Passwords are kept in clear: the lab's speed is worth more than its secrets. */
export async function writeAccounts(file: string, users: readonly LabUser[], dovecotGid: number): Promise<void> {
  await writeFile(file, users.map(line).join(''), { mode: DOVECOT_GID_READS });
  await chown(file, 0, dovecotGid);
}

/**
 * Adds an account and waits until Dovecot knows it, by asking its auth service: it looks whether the file has changed at
 * most once a second.
 * @param dovecotConf of the running server
 */
export async function appendAccount(file: string, user: LabUser, dovecotConf: string): Promise<void> {
  await appendFile(file, line(user));
  await waitFor(`Dovecot to know ${user.login}`, 30_000, async () => {
    const lookup = run('doveadm', ['-c', dovecotConf, 'auth', 'lookup', user.login]);
    return lookup.then(() => true).catch(() => false);
  });
}

function line({ login, password }: LabUser): string {
  if (/[:\s]/.test(login) || /[:\r\n]/.test(password)) throw new Error(`not possible in a passwd-file: ${login}`);
  return `${login}:{PLAIN}${password}::::::\n`;
}
