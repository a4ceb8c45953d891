import { chmod, chown, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readFragment } from './fragment.ts';
import { run } from './run.ts';
import { systemGroup } from './system-ids.ts';

/** Makes the directory and the empty table that config/postfix/mandat.cf asks for, with the modes it asks for. */
export async function makeSenderDatabase(directory: string): Promise<void> {
  const postfix = systemGroup('postfix');
  const database = senderDatabase(directory);
  await mkdir(directory, { recursive: true });
  await chown(directory, 0, postfix);
  await chmod(directory, 0o2770);
  await feed(database, await readFragment('postfix/sender.sql'));
  await chown(database, 0, postfix);
  await chmod(database, 0o660);
}

/** Runs SQL in the sender table through Debian's sqlite3 shell, as any other program could. */
export async function senderSql(directory: string, sql: string): Promise<string> {
  return feed(senderDatabase(directory), sql);
}

async function feed(database: string, sql: string): Promise<string> {
  const { stdout } = await run('sqlite3', ['-bail', '-cmd', '.timeout 5000', database], { input: sql });
  return stdout;
}

function senderDatabase(directory: string): string {
  return path.join(directory, 'sender.db');
}
