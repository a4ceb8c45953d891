/** What is mandat's own, in PostgreSQL: as on a file, for its maker alone, and one writer at a time. */
import path from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, sql } from 'kysely';
import t from 'tap';
import { postgresDialect } from '../../../bridge/store/postgres/connection.ts';
import { migrateState, openPostgresState } from '../../../bridge/store/postgres/state-db.ts';
import { STATE_MIGRATIONS } from '../../../bridge/store/postgres/state-schema.ts';
import { fact, setFact } from '../../../bridge/store/state/facts.ts';
import { enqueue, listNotices, type NewNotice, takeDue } from '../../../bridge/store/state/outbox.ts';
import { recordVerified } from '../../../bridge/store/state/outcomes.ts';
import { anythingHeld, countNotices } from '../../../bridge/store/state/troubles.ts';
import { readHead } from '../../../bridge/store/trail/seal-head.ts';
import { renewSeals } from '../../../bridge/store/trail/seal-renewal.ts';
import { appendAudit, auditHead, keepHead, sealKey } from '../../../bridge/store/trail/sealing.ts';
import { proveAudit, proveEnd } from '../../../bridge/store/trail/trail-proof.ts';
import { pruneAudit } from '../../../bridge/store/trail/trail-pruning.ts';
import { entry } from '../entry.ts';
import { failure } from '../failures.ts';
import { freshFiles, freshState } from '../fresh.ts';
import { freshDatabase, madeDatabase, psql } from '../on-postgresql.ts';

const KNOWN = STATE_MIGRATIONS.length;
const KEY = Buffer.alloc(32, 7);
const NOW = '2026-11-23T08:00:00.000Z';

t.test('it is made once, also by two at the same moment, and what is in it stays', async (t) => {
  const settings = await freshDatabase();
  t.match(await failure(() => openPostgresState(settings)), {
    code: 'config',
    message: /is not there/,
    hint: /mandat init/,
  });
  const made = await Promise.all([migrateState(settings), migrateState(settings)]);
  t.same(made.map(({ from }) => from).sort(), [0, KNOWN]);
  const state = await openPostgresState(settings);
  t.teardown(() => state.close());
  await setFact(state, 'clock', NOW);
  t.same(await migrateState(settings), { from: KNOWN, to: KNOWN });
  t.equal(await fact(state, 'clock'), NOW);
  await psql(settings, 'UPDATE mandat_private.schema_version SET version = 1000');
  const newer = { code: 'config', message: /version 1000, newer than this program knows/ };
  t.match(await failure(() => openPostgresState(settings)), newer);
  t.match(await failure(() => migrateState(settings)), newer);
});

t.test('the same tables with the same columns as the files have', async (t) => {
  const files = freshFiles(t);
  const settings = await freshDatabase();
  await migrateState(settings);
  const { openSubmissions } = await import('../../../bridge/store/submissions/submission-db.ts');
  openSubmissions(files.submissions).close();
  const columns = (file: string) => {
    const database = new Database(file, { readonly: true });
    const names = database
      .prepare<[], { name: string }>(
        `SELECT m.name || '.' || c.name || CASE WHEN c."notnull" OR c.pk THEN ' NOT NULL' ELSE '' END AS name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
          WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`,
      )
      .all();
    database.close();
    return names.map(({ name }) => name);
  };
  const renamed = (name: string) =>
    name.replace(/^events\./, 'submission_events.').replace(/^file\./, 'submission_epoch.');
  const expected = [...columns(files.state), ...columns(files.submissions).map(renamed)];
  const there = await psql(
    settings,
    `SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
      FROM information_schema.columns WHERE table_schema = 'mandat_private' AND table_name NOT IN ('schema_version', 'shared_files', 'shared_portions',
        'workers', 'standing_by')`,
  );
  t.strictSame(there.split('\n').sort(), expected.sort());
  const collations = await psql(
    settings,
    "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'mandat_private' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'",
  );
  t.equal(collations, '0', 'compared by octets');
});

t.test('no other role gets in, whatever it may do to the table', async (t) => {
  const settings = await freshDatabase();
  await migrateState(settings);
  const role = `other_${process.pid}`;
  await psql(settings, `CREATE ROLE ${role}; GRANT CREATE, CONNECT ON DATABASE ${settings.database} TO ${role}`);
  for (const asked of ['SELECT * FROM mandat_private.ledger', "INSERT INTO mandat_private.facts VALUES ('clock', '')"])
    await t.rejects(psql(settings, `SET ROLE ${role}; ${asked}`), /permission denied for schema mandat_private/);
});

t.test('many who write to the trail at once make one chain', async (t) => {
  const state = await freshState(t);
  const batches = Array.from({ length: 12 }, (_, batch) => Array.from({ length: 5 }, (_, n) => entry(`${batch}.${n}`)));
  await Promise.all(batches.map((entries) => appendAudit(state, KEY, entries)));
  t.match(await proveAudit(state, KEY), { intact: true, entries: 60 });
  const found = await state.query.selectFrom('audit').select('action').orderBy('id').execute();
  const order = found.map(({ action }) => action.split('.')[0]);
  t.equal(order.filter((one, n) => one !== order[n - 1]).length, 12, 'each batch stays together');
});

t.test('the trail is only added to, and tells when its owner had their way', async (t) => {
  const state = await freshState(t);
  await appendAudit(state, KEY, [entry('one'), entry('two')]);
  for (const asked of [
    "UPDATE audit SET actor = 'nobody'",
    'DELETE FROM audit',
    'TRUNCATE audit',
    "INSERT INTO audit (id, at, actor, action, seal) VALUES (1, '', '', '', '') ON CONFLICT (id) DO UPDATE SET actor = ''",
  ])
    await t.rejects(sql.raw(asked).execute(state.query), /only added to/, asked);
  await sql`ALTER TABLE audit DISABLE TRIGGER USER`.execute(state.query);
  await sql`UPDATE audit SET actor = 'nobody' WHERE action = 'one'`.execute(state.query);
  t.match(await proveAudit(state, KEY), { intact: false, why: 'entry' });
});

t.test('a new key, and the head beside it', async (t) => {
  const state = await freshState(t);
  const file = path.join(t.testdir({}), 'seal.key');
  const key = sealKey(file);
  await appendAudit(state, key, [entry('one'), entry('two')]);
  await keepHead(file, key, state);
  const kept = readHead(file.replace('.key', '.head'), key);
  t.match(await proveEnd(state, key, kept), { intact: true, entries: 2 });
  t.equal(await renewSeals(state, file, NOW), 2);
  t.match(await proveAudit(state, sealKey(file)), { intact: true, entries: 1, pruned: 2 });
  t.equal((await auditHead(state))?.id, 3);
  t.equal(await pruneAudit(state, sealKey(file), '2999-01-01T00:00:00.000Z', NOW), 1);
  t.match(await proveAudit(state, sealKey(file)), { intact: true, entries: 1, pruned: 3 });
  await t.rejects(sql`DELETE FROM audit_checkpoints`.execute(state.query), /only added to/, 'the rule is back');
});

t.test('a notice is taken once, however many reach for it', async (t) => {
  const state = await freshState(t);
  const notice = (n: number): NewNotice => ({
    event: `grant ${n}`,
    kind: 'grant',
    part: 'owner',
    subject: 'alice@example.org',
    mailbox: 'alice@example.org',
    recipient: 'alice@example.org',
    language: 'fr',
    data: {},
  });
  const all = [1, 2, 3, 4].map(notice);
  await enqueue(state, all, NOW, 'example.org');
  await enqueue(state, all, NOW, 'example.org');
  t.equal((await listNotices(state)).length, 4, 'told twice, it waits once');
  const taken = await Promise.all(Array.from({ length: 8 }, () => takeDue(state, NOW)));
  const ids = taken.flatMap((one) => one?.id ?? []);
  t.same([...new Set(ids)].length, ids.length);
  for (let one = await takeDue(state, NOW); one !== undefined; one = await takeDue(state, NOW)) ids.push(one.id);
  t.same(ids.sort(), [1, 2, 3, 4]);
  t.match(await countNotices(state), { sending: 4, waiting: 0 });
});

t.test('what the guard holds is found', async (t) => {
  const state = await freshState(t);
  const subject = { mailboxId: 1, address: 'alice@example.org', version: 3 };
  await recordVerified(state, subject, [{ code: 'out-of-reach', login: 'bob', message: 'it says "held"' }], NOW);
  t.notOk(await anythingHeld(state));
  await recordVerified(state, subject, [{ code: 'held', login: 'bob', message: 'it waits' }], NOW);
  t.ok(await anythingHeld(state));
});

t.test('what is ours and the table are written in one transaction: both, or neither', async (t) => {
  const settings = await madeDatabase();
  const state = await openPostgresState(settings);
  t.teardown(() => state.close());
  const both = (then: () => void) =>
    state.write(async (query) => {
      await setFact({ query, server: 'main' }, 'clock', NOW);
      await sql`UPDATE counters SET version = version + 1`.execute(query);
      then();
    });
  const seen = async () => [await fact(state, 'clock'), await psql(settings, 'SELECT version FROM mandat.counters')];
  const before = await seen();
  await t.rejects(
    both(() => {
      throw new Error('thought better of it');
    }),
    /thought better/,
  );
  t.same(await seen(), before);
  await both(() => {});
  t.same(await seen(), [NOW, `${Number(before[1]) + 1}`]);
});

t.test('what is written in one transaction is seen whole or not at all', async (t) => {
  const settings = await freshDatabase();
  await migrateState(settings);
  const state = await openPostgresState(settings);
  t.teardown(() => state.close());
  const other = new Kysely({ dialect: postgresDialect(settings, { schemas: ['mandat_private'] }) });
  t.teardown(() => other.destroy());
  await t.rejects(
    state.write(async (query) => {
      await setFact({ query, server: 'main' }, 'clock', NOW);
      const { rows } = await sql`SELECT value FROM facts WHERE name = 'clock'`.execute(other);
      t.same(rows, [], 'nobody else sees it yet');
      throw new Error('thought better of it');
    }),
    /thought better/,
  );
  t.equal(await fact(state, 'clock'), undefined);
});
