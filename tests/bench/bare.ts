/**
 * The first grant ever in a mailbox of bare directories, as a migration leaves them: no folder has an index. From COMMIT to "in force", beside
 * what the server itself takes over its first SETACL of INBOX there; each in a mailbox of its own. With `listIndex` (Dovecot's default) that
 * makes the index of every folder, without it only asking for their ids does.
 */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { connectImap } from '../../config/lab/raw-imap.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { at, type Site, startSite } from '../servers/site.ts';
import { elapsed } from './ground.ts';
import { type Comparison, compare } from './pairs.ts';

const LONG_MS = 600_000;

export async function bareFigures(folderCount: number, listIndex: boolean, pairs: number): Promise<Comparison> {
  const owners = Array.from({ length: 2 * (pairs + 1) }, (_, n) => `owner${n}`); // a pair to warm up
  const site = await startSite({
    reuse: false,
    users: [...owners, 'bob'],
    postfix: false,
    extraDovecot: `mailbox_list_index = ${listIndex ? 'yes' : 'no'}`,
  });
  const sidecar = await site.run();
  const outcomes = new Database(site.stateFile, { readonly: true });
  const table = new Database(site.table, { readonly: true });
  const version = table.prepare('SELECT version FROM counters').pluck();
  const inForce = outcomes.prepare('SELECT in_force_version FROM outcomes WHERE address = ?').pluck();
  try {
    for (const owner of owners) await makeBare(site, owner, folderCount);
    let next = 0;
    return await compare(
      `in force, first grant, ${folderCount} bare folders, list index ${listIndex ? 'on' : 'off'}`,
      () => {
        const owner = owners[next++] ?? '';
        return elapsed(async () => {
          await site.register(owner, 'bob');
          await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at(owner)}', '${at('bob')}')`);
          const granted = Number(version.get());
          await waitFor('in force', LONG_MS, () => Number(inForce.get(at(owner)) ?? 0) >= granted);
        });
      },
      () => elapsed(() => bySetacl(site, owners[next++] ?? '')),
      pairs,
    );
  } finally {
    outcomes.close();
    table.close();
    await sidecar.end();
    await site.stop();
  }
}

async function makeBare(site: Site, owner: string, folderCount: number): Promise<void> {
  const home = path.join(site.lab.directory, 'mail', at(owner));
  for (const folder of ['', ...Array.from({ length: folderCount }, (_, n) => `.F${n}`)])
    for (const part of ['cur', 'new', 'tmp'])
      await mkdir(path.join(home, 'Maildir', folder, part), { recursive: true });
  await writeFile(path.join(home, 'Maildir/.F0/cur/1.a.host:2,S'), 'Subject: one\r\n\r\none\r\n');
  await promisify(execFile)('chown', ['-R', 'mail:mail', home]);
}

/** What the least client does: as the owner, INBOX's entry. */
async function bySetacl({ lab }: Site, owner: string): Promise<void> {
  const imap = await connectImap(lab.imap);
  await imap.loginAs(at(owner), lab.master.user, lab.master.password);
  const { status } = await imap.command(`SETACL INBOX ${at('bob')} lrswipkxte`);
  imap.close();
  if (status !== 'OK') throw new Error(`SETACL: ${status}`);
}
