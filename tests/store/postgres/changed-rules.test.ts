/** The delegation table's rules in PostgreSQL, changed by somebody: each change is named, and what may not be read isn't. */
import t from 'tap';
import { DELEGATIONS } from '../../../bridge/store/databases.ts';
import { postgresDifferences, repairPostgresRules } from '../../../bridge/store/postgres/rule-repair.ts';
import { openPostgresTable } from '../../../bridge/store/postgres/table-db.ts';
import { addDelegate } from '../../../bridge/store/table/delegates.ts';
import { grant, revoke } from '../../../bridge/store/table/delegations.ts';
import { released } from '../../../bridge/store/table/schema.ts';
import { failure } from '../failures.ts';
import { freshDatabase, madeDatabase, psql } from '../on-postgresql.ts';

/** What somebody does, the object that is named and how, whether the table can still be read. */
const CHANGES: readonly (readonly [string, string, string, boolean])[] = [
  ['DROP TRIGGER delegations_before_insert ON delegations', 'trigger delegations_before_insert', 'missing', true],
  [
    'ALTER TABLE delegations DISABLE TRIGGER delegations_after_delete',
    'trigger delegations_after_delete',
    'altered',
    true,
  ],
  [
    "CREATE OR REPLACE FUNCTION bad_login(login text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false'",
    'function bad_login',
    'altered',
    true,
  ],
  ['ALTER FUNCTION mark(bigint[]) SET search_path = public', 'function mark', 'altered', true],
  ["CREATE FUNCTION mark(ids integer[]) RETURNS void LANGUAGE sql AS ''", 'function mark', 'not ours', false],
  ['DROP FUNCTION delegates_terms() CASCADE', 'function delegates_terms', 'missing', true],
  ['CREATE RULE kept AS ON DELETE TO delegations DO INSTEAD NOTHING', 'rule kept', 'not ours', true],
  [
    'CREATE OR REPLACE VIEW mailbox AS SELECT address, login, owner, kind, 1 AS eligible, server FROM mailboxes',
    'view mailbox',
    'altered',
    true,
  ],
  [
    'CREATE OR REPLACE VIEW domain (domain, eligible) AS SELECT domain, 1 FROM domains',
    'view domain',
    'altered',
    false,
  ],
  [
    'CREATE OR REPLACE VIEW domain_eligibility (mailbox_id, domain, eligible) AS SELECT id, address, 1 FROM mailboxes',
    'view domain_eligibility',
    'altered',
    false,
  ],
  ['DROP INDEX events_at', 'index events_at', 'missing', true],
  ['ALTER TABLE delegations ALTER COLUMN suspended DROP NOT NULL', 'table delegations', 'altered', false],
  ['ALTER TABLE delegations ADD COLUMN more text', 'table delegations', 'altered', false],
  ['ALTER TABLE delegations ENABLE ROW LEVEL SECURITY', 'table delegations', 'altered', false],
  ['CREATE TABLE heir () INHERITS (mailboxes)', 'table mailboxes', 'altered', false],
  ['DROP TABLE intents', 'table intents', 'missing', false],
  [
    "CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER mine BEFORE DELETE ON pending FOR EACH ROW EXECUTE FUNCTION mine()",
    'trigger mine',
    'not ours',
    false,
  ],
];

t.test('as init makes it it differs in nothing, whatever lies beside it', async (t) => {
  const settings = await madeDatabase();
  const table = await openPostgresTable(settings);
  t.teardown(() => table.close());
  t.same(await table.differences(), []);
  await psql(
    settings,
    `SET search_path TO mandat; CREATE TABLE webmail (id bigint); CREATE INDEX webmail_id ON webmail (id);
      CREATE VIEW open AS SELECT * FROM delegation; ANALYZE`,
  );
  t.same(await table.differences(), []);
  t.same(await table.lookAgain(), []);
});

t.test('each change is named, while the table is open and when it is opened', async (t) => {
  for (const [change, object, how, readable] of CHANGES) {
    const undone = await madeDatabase();
    const table = await openPostgresTable(undone);
    await psql(undone, `SET search_path TO mandat; ${change}`);
    const opens = async () => (await openPostgresTable(undone)).close();
    if (readable) {
      t.match(
        (await table.differences()).find((one) => one.object === object),
        { how },
        change,
      );
      await opens();
    } else {
      const refused = { code: 'config', rule: 'MANDAT_SCHEMA', message: new RegExp(`${object} is ${how}`) };
      t.match(await failure(() => table.differences()), refused, change);
      t.match(await failure(opens), refused, change);
      t.match(
        await failure(() => table.write({ actor: 'admin' }, async () => undefined)),
        refused,
        'nor is it written',
      );
    }
    await table.close();
  }
});

t.test('the released rules come back, and every row stays; a table that was altered is left as it is', async (t) => {
  const settings = await madeDatabase();
  const does = (text: string) => psql(settings, `SET search_path TO mandat; ${text}`);
  await does("INSERT INTO mailbox (address) VALUES ('alice@x.test'); INSERT INTO delegate (id) VALUES ('bob')");
  for (const [change] of CHANGES.filter(([, object]) => !object.startsWith('table '))) await does(change);
  const found = await repairPostgresRules(settings);
  t.ok(found.length > 10, `${found.length} differences`);
  t.same(await repairPostgresRules(settings), [], 'once');
  const table = await openPostgresTable(settings);
  t.same(await table.differences(), []);
  await grant(table, { actor: 'admin' }, 'alice@x.test', 'bob');
  await revoke(table, { actor: 'admin' }, 'alice@x.test', 'bob');
  t.match((await failure(() => addDelegate(table, { actor: 'admin' }, 'anyone', {}))).rule, 'MANDAT_IDENTIFIER');
  await table.close();
  await does('ALTER TABLE delegations ADD COLUMN more text; DROP TRIGGER delegations_before_insert ON delegations');
  t.match(await failure(() => repairPostgresRules(settings)), {
    code: 'config',
    message: /table delegations is altered/,
  });
  t.equal((await postgresDifferences(settings)).length, 2, 'told of, though it may not be read');
  t.same(await postgresDifferences(await freshDatabase()), [], 'nothing is there to differ');
});

t.test('each index of delegation.db has one of its name here', async (t) => {
  const model = released(DELEGATIONS.migrations);
  const names = model
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
    .pluck()
    .all() as string[];
  model.close();
  const there = await psql(await madeDatabase(), "SELECT indexname FROM pg_indexes WHERE schemaname = 'mandat'");
  t.same(
    names.filter((name) => !there.split('\n').includes(name)),
    [],
  );
});
