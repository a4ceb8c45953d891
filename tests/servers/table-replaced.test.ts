/** Files of ours replaced under a running sidecar: it follows the new ones, by the checks of a start. */
import { copyFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { takeLock } from '../../bridge/store/files/lock.ts';
import { openSenderMap } from '../../bridge/store/published/sender-map.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, startSite } from './site.ts';
import { entriesOf, seen } from './wire.ts';

t.test('a running sidecar and its files', async (t) => {
  const site = await startSite({ users: ['alice', 'bob', 'carol', 'dave'], postfix: false });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob', 'carol', 'dave');
  const sidecar = await site.run();
  const directory = path.dirname(site.lab.senderDirectory);
  const anew = () => sidecar.log().filter(({ msg }) => msg === 'watching').length;
  const replaced = async (what: string, work: () => void) => {
    const before = anew();
    work();
    await waitFor(`the sidecar has opened anew after ${what}`, 10_000, () => anew() > before);
    t.ok(
      sidecar
        .log()
        .some(({ msg, file }) => /replaced by another/.test(String(msg)) && file === path.join(directory, what)),
      `${what}: the log names it`,
    );
  };
  t.equal((await site.mandat('grant', at('alice'), at('bob'))).status, 0);

  await t.test('a backup of the table moved over it', async (t) => {
    await site.sql(`VACUUM INTO '${site.table}.backup'`);
    await grantRow(site, 'alice', 'carol');
    await site.settled();
    await revokeRow(site, 'alice', 'bob');
    await site.settled();
    t.same(await entriesOf(site, 'alice', 'bob'), {});
    await replaced('table/delegation.db', () => renameSync(`${site.table}.backup`, site.table));
    await site.settled();
    await waitFor(
      'carol, whom the backup does not know, is out',
      10_000,
      async () => !('INBOX' in (await entriesOf(site, 'alice', 'carol'))),
    );
    t.same(await seen(site, 'alice', 'bob'), {}, 'bob, who was revoked after it, is not let in again');
    t.match(
      await site.mandat('status'),
      { status: 1, stdout: /restore accept/ },
      'as after a start: a table from the past',
    );
    t.equal((await site.mandat('restore', 'accept', '--yes')).status, 0);
    await site.settled();
    t.match(
      await site.mandat('revoke', at('alice'), at('bob'), '--yes'),
      { status: 0, stdout: /verified/ },
      'and a revoke is obeyed',
    );
    t.same(await entriesOf(site, 'alice', 'bob'), {});
  });

  await t.test('the sender map, and the lock', async (t) => {
    t.equal((await site.mandat('grant', at('alice'), at('dave'))).status, 0);
    const map = path.join(site.lab.senderDirectory, 'sender.db');
    await replaced('sender/sender.db', () => {
      const empty = `${map}.empty`;
      new Database(map).exec(`VACUUM INTO '${empty}'`).close();
      new Database(empty).exec('DELETE FROM sender_login; PRAGMA journal_mode = WAL').close();
      renameSync(empty, map);
    });
    const published = () => {
      const opened = openSenderMap(site.lab.senderDirectory, { readonly: true });
      try {
        return opened.all().filter(({ login }) => login === at('dave')).length;
      } finally {
        opened.close();
      }
    };
    await waitFor('what should be published is', 10_000, () => published() === 1);
    await replaced('private/sidecar.lock', () => rmSync(path.join(directory, 'private/sidecar.lock')));
    t.throws(() => takeLock(path.join(directory, 'private/sidecar.lock')), /running/, 'there is one sidecar still');
  });

  await t.test('a file that is no table: it waits, then ends with what is wrong', async (t) => {
    copyFileSync(site.configFile, `${site.table}.wrong`);
    renameSync(`${site.table}.wrong`, site.table);
    await waitFor('it says so', 10_000, () =>
      sidecar.log().some(({ msg }) => /not yet: .*not a SQLite database/.test(String(msg))),
    );
    t.equal(await sidecar.end(), 0, 'and it can be asked to stop meanwhile');
  });
});
