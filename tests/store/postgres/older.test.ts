/** Whose word a database is: each new connection is asked, against what was last seen from this machine. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { admission, type OlderDatabase } from '../../../bridge/store/postgres/admission.ts';
import { postgresClient } from '../../../bridge/store/postgres/connection.ts';
import { lastSeen, noteLastSeen, writeLastSeen } from '../../../bridge/store/postgres/last-seen.ts';
import { openPostgresState } from '../../../bridge/store/postgres/state-db.ts';
import { openPostgresTable } from '../../../bridge/store/postgres/table-db.ts';
import { type KeptKey, keptKey, refuseOthers } from '../../../bridge/store/postgres/whose-database.ts';
import { agreeOn, appendAudit, keepHead, ownEntry, sealKey } from '../../../bridge/store/trail/sealing.ts';
import { failure } from '../failures.ts';
import { freshDatabase, madeDatabase, psql } from '../on-postgresql.ts';

async function opened(t: Test) {
  const settings = await madeDatabase();
  const directory = t.testdir({});
  const files = { lastSeen: path.join(directory, 'table.seen'), sealKey: path.join(directory, 'seal.key') };
  const table = async (...asked: readonly [older?: OlderDatabase | undefined]) => {
    const older = asked.length === 0 ? 'refused' : asked[0];
    const one = await openPostgresTable({ ...settings, admission: admission(files, settings.shown, older) });
    t.teardown(() => one.close());
    return one;
  };
  return { settings, files, table };
}
const add = (name: string) => ({
  address: `${name}@x.test`,
  login: name,
  kind: 'PER' as const,
  eligible: 1,
  server: 'main',
});

t.test('what a commit has led to is noted, and one that has come less far is refused', async (t) => {
  const { settings, files, table } = await opened(t);
  const one = await table();
  await one.write({ actor: 'test' }, (query) => query.insertInto('mailboxes').values(add('a')).execute());
  const seen = lastSeen(files.lastSeen);
  t.match(seen, { version: 1, history: /^\d+\/00000001$/ });
  t.equal(statSync(files.lastSeen).mode & 0o777, 0o600);
  await psql(settings, 'SET session_replication_role = replica; UPDATE mandat.counters SET version = 0');
  const refused = { code: 'retry', message: /older than the one last seen/, hint: /restore accept/ };
  t.match(await failure(() => table()), refused);
  let held = 0;
  await table(async () => {
    held++;
  });
  t.equal(held, 1, 'or is seen to before anything is read');
  await psql(settings, "INSERT INTO mandat_private.facts VALUES ('restored', 'held')");
  await table();
  t.equal(lastSeen(files.lastSeen)?.version, 1, 'what is held counts as seen to');
});

t.test('what another program commits while it is asked is no sign of an older one', async (t) => {
  const { settings, files, table } = await opened(t);
  const other = await table();
  const client = await postgresClient(settings, { schemas: ['mandat'] });
  t.teardown(() => client.end());
  await client.connect();
  let names = 0;
  const slow = {
    query: async (...asked: Parameters<typeof client.query>) => {
      const answer = await client.query(...asked);
      await other.write({ actor: 'test' }, (query) =>
        query
          .insertInto('mailboxes')
          .values(add(`n${++names}`))
          .execute(),
      );
      return answer;
    },
  };
  await admission(files, settings.shown, 'refused').admit(slow as typeof client);
  t.equal(names, 1);
  t.match(lastSeen(files.lastSeen), { version: 1 }, 'and what it has noted stays');
});

t.test('one whose trail ends earlier, or elsewhere', async (t) => {
  const { settings, files, table } = await opened(t);
  const state = await openPostgresState(settings);
  t.teardown(() => state.close());
  const key = sealKey(files.sealKey);
  const said = (mailbox: string) =>
    appendAudit(state, key, [ownEntry('2026-01-01T00:00:00.000Z', { action: 'failed', mailbox, delegate: null })]);
  await said('a');
  await said('b');
  await keepHead(files.sealKey, key, state);
  await table();
  await psql(settings, 'SET session_replication_role = replica; DELETE FROM mandat_private.audit WHERE id = 2');
  t.match(await failure(() => table()), { message: /older than the one last seen/ });
  await said('c');
  await psql(settings, 'SET session_replication_role = replica; UPDATE mandat_private.audit SET id = 2 WHERE id = 3');
  t.match(await failure(() => table()), { message: /older/ }, 'another entry of the same number');
});

t.test('a primary from before a fail-over, and a table that is another', async (t) => {
  const { files, table } = await opened(t);
  await table();
  const before = readFileSync(files.lastSeen, 'utf8');
  writeFileSync(files.lastSeen, before.replace(/00000001\n$/, '00000003\n'));
  t.match(await failure(() => table(async () => void t.fail('it is not even asked'))), {
    code: 'retry',
    message: /from before a fail-over \(timeline 1, and 3 was seen already\)/,
  });
  writeFileSync(files.lastSeen, before.replace(/ \d+\/00000001\n$/, ' 1/00000003\n'));
  await table();
  t.equal(readFileSync(files.lastSeen, 'utf8'), before, 'another cluster counts its own timelines');
  writeFileSync(files.lastSeen, before.replace(/^\S+/, 'other'));
  t.match(await failure(() => table()), { message: /older/ });
});

t.test(
  "another site's database, which is known by the key of its trail: it is not asked, and nothing is written into it",
  async (t) => {
    const { settings, files, table } = await opened(t);
    const state = await openPostgresState(settings);
    t.teardown(() => state.close());
    const key = sealKey(files.sealKey);
    await agreeOn(state, key, files.sealKey, undefined);
    await table();
    writeFileSync(files.sealKey, '7'.repeat(64));
    writeLastSeen(files.lastSeen, { epoch: 'another', version: 7, history: '' });
    const said = await failure(() => table(async () => void t.fail('it is held, as if it were ours')));
    t.match(said, { code: 'config', rule: 'MANDAT_SEAL_KEY', hint: /see where "database" leads/ });
    t.notMatch(await psql(settings, 'SELECT name FROM mandat_private.facts'), /restored|adopting|version/);
    t.match(await failure(() => table(undefined)), said, 'nor by who takes an older one as it is');
    t.match(await failure(() => table('sealed anew')), said, 'nor by who exchanges the key');
    rmSync(files.sealKey);
    const gone = { code: 'config', rule: 'MANDAT_SEAL_KEY', message: /is not the one last seen from here.* is gone/ };
    for (const older of ['refused', undefined, 'sealed anew', async () => void t.fail('it is held')] as const)
      t.match(await failure(() => table(older)), gone, 'without a key the epoch tells');
    writeFileSync(files.sealKey, '7'.repeat(64));
    await psql(settings, "DELETE FROM mandat_private.facts WHERE name = 'seal-key'");
    const unsealed = { code: 'retry', message: /another than the one last seen/, hint: /"mandat init" has ended/ };
    t.match(await failure(() => table(async () => void t.fail('nor while it is being made'))), unsealed);
  },
);

t.test('our own, where the key is lost, was exchanged, or is not for this user', async (t) => {
  const { settings, files, table } = await opened(t);
  const state = await openPostgresState(settings);
  t.teardown(() => state.close());
  await agreeOn(state, sealKey(files.sealKey), files.sealKey, undefined);
  await table();
  process.seteuid?.(65534);
  const kept = keptKey(files.sealKey);
  process.seteuid?.(0);
  t.equal(kept, 'not for this user');
  const marks = { key: 'digest', epoch: 'ours' };
  const others = (one: KeptKey, before?: { epoch: string; version: number; history: string }) => () =>
    refuseOthers('the database (x)', marks, one, before, files, false);
  t.match(await failure(others(kept)), { code: 'config', rule: 'MANDAT_SEAL_KEY', hint: /as root, or as the owner/ });
  t.doesNotThrow(() => refuseOthers('the database (x)', { ...marks, key: null }, kept, undefined, files, false));
  t.doesNotThrow(others('lost'), 'a machine that has seen none yet: it has nothing to compare');
  writeFileSync(files.sealKey, '7'.repeat(64));
  t.match(await failure(() => table(undefined)), { code: 'config', rule: 'MANDAT_SEAL_KEY' });
  await table('sealed anew');
  writeFileSync(files.sealKey, 'garbage');
  await table(undefined);
  rmSync(files.sealKey);
  await table(undefined);
  await table();
});

t.test('nothing is there yet, or is as nobody has written it', async (t) => {
  const { files, table } = await opened(t);
  const settings = await freshDatabase();
  const none = admission(files, settings.shown, 'refused');
  t.match(await failure(() => openPostgresTable({ ...settings, admission: none })), {
    code: 'config',
    message: /is not there/,
  });
  writeFileSync(files.lastSeen, 'garbage');
  await table();
  t.match(lastSeen(files.lastSeen), { version: 0 });
  noteLastSeen(files.lastSeen, { epoch: 'other', version: 7, history: '' });
  t.match(lastSeen(files.lastSeen), { version: 0 }, 'what is seen of another table is not noted over it');
});
