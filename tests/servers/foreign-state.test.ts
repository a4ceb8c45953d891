/**
 * A state.db in the place of the one that the table was worked off with: a new one, or one from the past. Entries just as mandat writes them count
 * as its own, so that whoever has lost their row loses their access, and that is said before.
 */
import { copyFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { pino } from 'pino';
import t from 'tap';
import { openEngine } from '../../bridge/sidecar/engine.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { must } from '../cli/desk.ts';
import { configOf } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { entriesOf, granted, seen } from './wire.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob', 'carol', 'dan', 'erin', 'frank'], postfix: false });
  await site.register('alice', 'bob', 'carol', 'dan');
  await site.register('erin');
  await site.register('frank');
});
t.teardown(() => site?.stop());

const stateFiles = () => ['', '-wal', '-shm'].map((end) => `${site.stateFile}${end}`);
const json = async (...args: string[]) => JSON.parse((await site.mandat('--json', ...args)).stdout);

t.test('a new one', async (t) => {
  for (const delegate of ['bob', 'carol']) await must(site.mandat('grant', at('alice'), at(delegate)));
  await must(site.mandat('grant', at('erin'), at('bob')));
  const alice = await site.login('alice');
  t.equal((await alice.command(`SETACL INBOX ${at('dan')} lr`)).status, 'OK', "another's, which isn't like ours");
  const open = await site.login('bob');
  t.equal((await open.command(`SELECT shared/${at('alice')}`)).status, 'OK');

  for (const file of stateFiles()) rmSync(file, { force: true });
  rmSync(path.join(path.dirname(site.stateFile), 'seal.key'));
  await revokeRow(site, 'alice', 'bob');
  await site.sql('DELETE FROM pending');
  await site.mandat('init', '--new-seal-key');

  const verified = await site.mandat('verify');
  t.match(verified, {
    status: 1,
    stdout: /alice@lab\.test: bob@lab\.test: has an entry just as mandat writes them, and no row/,
    stderr: /another state\.db has worked off this delegation table\n.*put back the state\.db/,
  });
  t.notMatch(verified.stdout, /(carol|dan)@lab\.test: has an entry just/);
  t.match(await site.mandat('status'), { status: 1, stdout: /another state\.db has worked off/ });
  t.match((await site.mandat('doctor')).stdout, /another state\.db has worked off/);

  const sidecar = await site.run();
  await waitFor('bob is out', 20_000, async () => !('INBOX' in (await entriesOf(site, 'alice', 'bob'))));
  await waitFor('all has been looked at', 20_000, async () => (await json('status')).foreignState === null);
  t.match(
    sidecar.log().map(({ msg }) => msg),
    ['another state.db has worked off this delegation table'],
  );
  t.equal((await open.command('NOOP')).status, 'BYE');
  t.same(await seen(site, 'alice', 'bob'), {});
  t.same(await seen(site, 'alice', 'carol'), granted());
  t.same(await seen(site, 'erin', 'bob'), granted(), 'who has a row keeps it');
  t.same(await entriesOf(site, 'alice', 'dan'), { INBOX: 'lr' });
  t.match(await site.mandat('verify'), { status: 0, stderr: '' });
  t.match((await site.mandat('audit')).stdout, /foreign-state[\s\S]*adopted/);
  t.match(await site.mandat('revoke', at('alice'), at('carol'), '--yes'), {
    status: 0,
    stdout: /see nothing any more/,
  });
  t.same(await entriesOf(site, 'alice', 'carol'), {}, 'what was taken in can be taken away');
  t.equal(await sidecar.end(), 0);
});

t.test('one from the past', async (t) => {
  const copy = `${site.stateFile}.copy`;
  const database = new Database(site.stateFile);
  await database.backup(copy);
  database.close();
  await must(site.mandat('grant', at('frank'), at('dan')));
  for (const file of stateFiles()) rmSync(file, { force: true });
  copyFileSync(copy, site.stateFile);
  await revokeRow(site, 'frank', 'dan');
  t.match(await site.mandat('verify'), {
    status: 1,
    stdout: /frank@lab\.test: dan@lab\.test: has an entry just as mandat writes them/,
    stderr: /older than what it has worked off/,
  });
  await must(site.mandat('sync'));
  t.same(await entriesOf(site, 'frank', 'dan'), {});
  t.match(await json('verify'), { differences: [] });
  t.match(await json('status'), { foreignState: null });
});

t.test('and by hand: the revoke of somebody whom only the servers know', async (t) => {
  await must(site.mandat('grant', at('frank'), at('carol')));
  for (const file of stateFiles()) rmSync(file, { force: true });
  await site.mandat('init', '--new-seal-key');
  t.match(await site.mandat('revoke', at('frank'), at('carol'), '--yes'), {
    status: 0,
    stdout: /see nothing any more/,
  });
  t.same(await entriesOf(site, 'frank', 'carol'), {});
  t.match(await json('status'), { foreignState: /not every mailbox has been looked at/ });
  await must(site.mandat('sync'));
  t.match(await json('status'), { foreignState: null });
});

t.test('entries that are taken in behind the look at all there is are judged, and go', async (t) => {
  for (const delegate of ['bob', 'carol']) await must(site.mandat('grant', at('frank'), at(delegate)));
  for (const file of stateFiles()) rmSync(file, { force: true });
  await site.mandat('init', '--new-seal-key');
  await revokeRow(site, 'frank', 'bob');
  const engine = await openEngine(configOf(site), {}, pino({ level: 'silent' }));
  try {
    const id = Number(await site.sql(`SELECT id FROM mailboxes WHERE address = '${at('frank')}'`));
    await engine.lookAtAll();
    t.match(await engine.work(id, 1), { kind: 'superseded' }, 'the pass that takes them in asks for another');
    t.same(await entriesOf(site, 'frank', 'bob'), granted(), 'and leaves them');
    t.match(await engine.work(id, 1), { kind: 'verified', notices: [] });
    t.same(await entriesOf(site, 'frank', 'bob'), {});
    t.same(await seen(site, 'frank', 'carol'), granted());
    t.equal(await site.sql('SELECT count(*) FROM pending'), '0\n');
  } finally {
    await engine.close();
  }
  await must(site.mandat('sync'));
});

t.test('a site that was never worked off, and one that goes on', async (t) => {
  await grantRow(site, 'frank', 'dan');
  await must(site.mandat('sync'));
  t.match(await json('status'), { foreignState: null });
  t.match((await site.mandat('doctor')).stdout, /the table is the one last seen/);
});
