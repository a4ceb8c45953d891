/** Databases in trouble below a running sidecar, and what each command says of one that it can't use. */
import { chmod, copyFile, rename, rm, writeFile } from 'node:fs/promises';
import t from 'tap';
import { sqlite3 } from '../store/shell.ts';
import { holdWriteLock } from '../store/write-lock.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Running, type Site, startSite } from './site.ts';
import { granted, seen } from './wire.ts';

let site: Site;
let sidecar: Running;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob', 'carol'], postfix: false });
  await site.register('alice', 'bob', 'carol');
  sidecar = await site.run();
  await site.settled();
});
t.teardown(() => site?.stop());

t.test('each of the databases locked by another program for three seconds: waited for, nothing lost', async (t) => {
  for (const file of [site.table, site.stateFile, `${site.lab.senderDirectory}/sender.db`]) {
    const name = file.replace(/.*\//, '');
    await grantRow(site, 'alice', 'bob');
    await site.settled();
    t.same(await seen(site, 'alice', 'bob'), granted(), name);
    const lock = await holdWriteLock(file, { seconds: 3 });
    const revoked = await site.mandat('revoke', at('alice'), at('bob'), '--yes');
    await lock.ended;
    t.match(revoked, { status: 0, stdout: /verified: they see nothing any more/ }, name);
    t.same(await seen(site, 'alice', 'bob'), {});
  }
  t.match(await site.mandat('status'), { status: 0, stdout: /^sidecar +running/ });
  t.match(await site.mandat('audit', '--check'), { status: 0 });
});

t.test('held for longer than anybody waits: the sidecar outlives it', async (t) => {
  const lock = await holdWriteLock(site.table, {});
  const refused = await site.mandat('grant', at('alice'), at('bob'));
  t.match(refused, { status: 5, stdout: '', stderr: /locked by another program\n.*try again/ });
  lock.release();
  await lock.ended;
  t.match(await site.mandat('grant', at('alice'), at('bob')), { status: 0 });
  await revokeRow(site, 'alice', 'bob');
  await site.settled();
  t.equal(await sidecar.end(), 0);
});

t.test('not a database, another program’s, newer, away: 2, and the file stays as it is', async (t) => {
  const commands = [
    ['list'],
    ['grant', at('alice'), at('carol')],
    ['suspend', at('alice'), at('carol')],
    ['status'],
    ['audit'],
    ['explain', at('alice')],
    ['sync'],
    ['run'],
  ];
  const spoiled: readonly (readonly [spoil: (file: string) => Promise<unknown>, says: RegExp])[] = [
    [
      (file) => writeFile(file, 'this is a letter, not a database. '.repeat(100)),
      /is not a SQLite database, or is damaged/,
    ],
    [
      async (file) => {
        await rm(file);
        sqlite3(file, 'CREATE TABLE birds (name)');
      },
      /is a database, but not (the delegation table|mandat's own state)/,
    ],
    [async (file) => sqlite3(file, 'PRAGMA user_version = 99'), /has version 99, newer than this program knows/],
    [(file) => rm(file), /is not there.*\n.*mandat init/],
  ];
  for (const file of [site.table, site.stateFile]) {
    sqlite3(file, 'PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE');
    for (const [spoil, says] of spoiled) {
      await copyFile(file, `${file}.good`);
      await spoil(file);
      const using =
        file === site.table
          ? commands
          : commands.filter(([name]) => !['list', 'grant', 'suspend'].includes(name ?? ''));
      const all = await Promise.all(using.map((args) => site.mandat(...args)));
      for (const [index, said] of all.entries())
        t.match(said, { status: 2, stdout: '', stderr: says }, `${using[index]} ${file.replace(/.*\//, '')}`);
      await rename(`${file}.good`, file);
      await rm(`${file}-wal`, { force: true });
      await rm(`${file}-shm`, { force: true });
    }
    await chmod(file, file === site.table ? 0o660 : 0o600);
  }
  sqlite3(site.table, 'PRAGMA journal_mode = WAL');
  sqlite3(site.stateFile, 'PRAGMA journal_mode = WAL');
  t.match(await site.mandat('sync'), { status: 0 }, 'put back, all is well');
});
