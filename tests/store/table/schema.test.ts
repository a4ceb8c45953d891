/** The table's own rules: those released, and how others show before anything is read. */
import { rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import t from 'tap';
import { DELEGATIONS, initialise } from '../../../bridge/store/databases.ts';
import { openDelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { differencesIn, repairRules } from '../../../bridge/store/table/rule-repair.ts';
import { released, schemaDigest } from '../../../bridge/store/table/schema.ts';
import { within } from '../../../config/lab/wait.ts';
import { failure } from '../failures.ts';
import { freshFiles } from '../fresh.ts';
import { prepare, row, rows, sqlite3 } from '../shell.ts';
import { freshWorld } from '../world.ts';

const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)';

t.test('the digest of the released rules is that of the migrations', async (t) => {
  const model = released(DELEGATIONS.migrations);
  t.equal(DELEGATIONS.schema, schemaDigest(model), 'databases.ts names it: change both together');
  model.close();
});

t.test('a table as init makes it differs in nothing, whatever lies beside it', async (t) => {
  const file = freshWorld(t);
  prepare(
    file,
    `CREATE TABLE webmail_folders (owner TEXT PRIMARY KEY); CREATE INDEX webmail ON webmail_folders (owner);
     CREATE VIEW webmail_open AS SELECT * FROM delegation; ANALYZE`,
  );
  const table = openDelegationDb(file);
  t.teardown(() => table.close());
  t.same(await table.differences(), []);
});

/** What somebody does, the object that is named, whether the table can still be read. */
const CHANGES: readonly (readonly [string, string, boolean])[] = [
  ['DROP TRIGGER delegations_insert', 'trigger delegations_insert', true],
  ['DROP VIEW alias', 'view alias', true],
  [
    'DROP TRIGGER delegations_deleted; CREATE TRIGGER delegations_deleted AFTER DELETE ON delegations BEGIN SELECT 1; END',
    'trigger delegations_deleted',
    true,
  ],
  [
    'CREATE TRIGGER mine AFTER DELETE ON delegations BEGIN INSERT INTO delegations SELECT OLD.id, OLD.mailbox_id, OLD.delegate_id, OLD.created_at, OLD.created_by, NULL, NULL, NULL, 0, NULL, NULL; END',
    'trigger mine',
    true,
  ],
  ['CREATE UNIQUE INDEX mine ON delegations (mailbox_id)', 'index mine', true],
  [
    `DROP VIEW domain_eligibility; CREATE VIEW domain_eligibility AS ${ENDLESS} SELECT i AS mailbox_id, i AS domain, 1 AS eligible FROM n`,
    'view domain_eligibility',
    false,
  ],
  [
    `ALTER TABLE mailboxes RENAME TO kept; CREATE VIEW mailboxes AS ${ENDLESS} SELECT i AS id, i AS address FROM n`,
    'view mailboxes',
    false,
  ],
  [
    `DROP TABLE pending; CREATE VIEW pending AS ${ENDLESS} SELECT i AS mailbox_id, i AS version FROM n`,
    'view pending',
    false,
  ],
  ['ALTER TABLE delegates ADD COLUMN further TEXT', 'table delegates', false],
  ['DROP TABLE turns', 'table turns', false],
  [
    `CREATE TRIGGER mine AFTER INSERT ON writer BEGIN SELECT (${ENDLESS} SELECT count(*) FROM n); END`,
    'trigger mine',
    false,
  ],
  [`CREATE TRIGGER mine BEFORE DELETE ON pending BEGIN SELECT RAISE(IGNORE); END`, 'trigger mine', false],
];

t.test('each change is named, before the table is read and while it is open', async (t) => {
  for (const [sql, object, readable] of CHANGES) {
    const file = freshWorld(t);
    const open = openDelegationDb(file);
    await open.query.selectFrom('mailboxes').selectAll().execute();
    prepare(file, sql);
    const read = () => open.query.selectFrom('mailboxes').selectAll().execute();
    const opens = async () => openDelegationDb(file).close();
    if (readable) {
      await read();
      await opens();
      t.ok(
        (await open.differences()).some((one) => one.object === object),
        `${sql}: ${object}`,
      );
    } else {
      t.match(await failure(read), {
        code: 'config',
        rule: 'MANDAT_SCHEMA',
        message: new RegExp(object),
        hint: /--repair-rules/,
      });
      t.match(await failure(opens), { code: 'config', message: new RegExp(object) }, sql);
      t.match(
        await failure(() => open.write({ actor: 'admin' }, async () => undefined)),
        { code: 'config' },
        'nor written',
      );
    }
    await open.close();
  }
});

t.test('what is refused leaves its transaction, and the next one is not kept waiting', async (t) => {
  const file = freshWorld(t);
  const table = openDelegationDb(file);
  t.teardown(() => table.close());
  const look = () =>
    within(
      'a read',
      5000,
      table.read(async (query) => (await query.selectFrom('mailboxes').select('id').execute()).length),
    );
  const before = await look(); // from here on "BEGIN" is prepared, and no "ROLLBACK" ever was
  prepare(
    file,
    `ALTER TABLE mailboxes RENAME TO kept; CREATE VIEW mailboxes AS ${ENDLESS} SELECT i AS id, i AS address, i AS login FROM n`,
  );
  for (let n = 1; n <= 2; n++) t.match(await failure(look), { code: 'config', message: /view mailboxes is altered/ });
  t.match(
    await failure(() =>
      within(
        'a write',
        5000,
        table.write({ actor: 'x' }, async () => 1),
      ),
    ),
    { code: 'config' },
  );
  prepare(file, 'DROP VIEW mailboxes; ALTER TABLE kept RENAME TO mailboxes');
  repairRules(file, DELEGATIONS);
  t.equal(await look(), before);
});

t.test('a number that was set back hides nothing from the one who looks at the text', async (t) => {
  const file = freshWorld(t);
  const table = openDelegationDb(file);
  t.teardown(() => table.close());
  t.same(await table.differences(), []);
  const before = row(file, 'SELECT schema_version FROM pragma_schema_version');
  prepare(file, `DROP TRIGGER delegations_deleted; PRAGMA schema_version = ${before}`);
  t.match(await table.lookAgain(), [{ object: 'trigger delegations_deleted', how: 'missing' }]);
});

t.test('the released rules come back and every row stays', async (t) => {
  for (const [sql] of CHANGES.filter(([, , readable]) => readable)) {
    const file = freshWorld(t, "INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')");
    const before = rows(file, 'SELECT * FROM mailboxes; SELECT * FROM delegates; SELECT * FROM delegations');
    prepare(file, sql);
    t.not(repairRules(file, DELEGATIONS).length, 0, sql);
    t.same(differencesIn(file, DELEGATIONS), []);
    t.same(rows(file, 'SELECT * FROM mailboxes; SELECT * FROM delegates; SELECT * FROM delegations'), before);
    t.equal(
      sqlite3(file, "INSERT INTO delegation (mailbox, delegate) VALUES ('erin@example.org', 'bob')").rule,
      'MANDAT_NOT_ELIGIBLE',
    );
    t.same(repairRules(file, DELEGATIONS), [], 'there is nothing left to do');
  }
});

t.test('a base table that is gone is not made anew over its rows', async (t) => {
  const file = freshWorld(t);
  prepare(file, `ALTER TABLE mailboxes RENAME TO kept; CREATE VIEW mailboxes AS ${ENDLESS} SELECT i AS id FROM n`);
  const before = schemaOf(file);
  t.match(await failure(() => repairRules(file, DELEGATIONS)), {
    code: 'config',
    rule: 'MANDAT_SCHEMA',
    hint: /backup/,
  });
  t.same(schemaOf(file), before, 'and it is left as it is');
});

t.test('a table of an earlier version whose rules were changed is migrated only when they are put right', async (t) => {
  const files = freshFiles(t);
  for (const end of ['', '-wal', '-shm']) rmSync(files.delegations + end, { force: true });
  const [first = ''] = DELEGATIONS.migrations;
  prepare(
    files.delegations,
    `${first}; PRAGMA application_id = ${DELEGATIONS.applicationId}; PRAGMA user_version = 1; DROP TRIGGER delegations_insert`,
  );
  const refused = await failure(() => initialise(files));
  t.match(refused, {
    code: 'config',
    message: /migrated.*trigger delegations_insert is missing/,
    hint: /--repair-rules/,
  });
  t.match(repairRules(files.delegations, DELEGATIONS), [{ object: 'trigger delegations_insert' }]);
  initialise(files);
  t.same(differencesIn(files.delegations, DELEGATIONS), []);
});

t.test('a table of each earlier version comes to the rules that a fresh one has, and keeps its rows', async (t) => {
  const fresh = schemaOf(freshFiles(t).delegations);
  for (const [index] of DELEGATIONS.migrations.slice(1).entries()) {
    const version = index + 1;
    const files = freshFiles(t);
    for (const end of ['', '-wal', '-shm']) rmSync(files.delegations + end, { force: true });
    prepare(
      files.delegations,
      `${DELEGATIONS.migrations.slice(0, version).join(';')};
       PRAGMA application_id = ${DELEGATIONS.applicationId}; PRAGMA user_version = ${version};
       INSERT INTO mailbox (address, owner) VALUES ('alice@example.org', 'alice');
       INSERT INTO delegate (id) VALUES ('bob');
       INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')`,
    );
    initialise(files);
    t.strictSame(schemaOf(files.delegations), fresh, `version ${version}`);
    t.same(rows(files.delegations, 'SELECT mailbox, delegate FROM delegation'), ['alice@example.org|bob']);
  }
});

const REFUSALS: readonly (readonly [sql: string, says: string])[] = [
  [
    "UPDATE mailbox SET owner = 'bob' WHERE address = 'alice@example.org'",
    'MANDAT_SELF: a delegate of this mailbox would become its owner: revoke their access first',
  ],
  [
    "UPDATE delegate SET login = (SELECT login FROM mailbox WHERE address = 'alice@example.org') WHERE id = 'bob'",
    'MANDAT_SELF: this delegate would become the owner of a mailbox that is delegated to them: revoke it first',
  ],
  [
    "INSERT INTO alias (address, mailbox) VALUES ('al@example.org', 'alice@example.org'); INSERT INTO delegate (id, login) VALUES ('zoe', 'al@example.org')",
    'MANDAT_DUPLICATE: this login is an alias of a mailbox that is not theirs',
  ],
  [
    "INSERT INTO alias (address, mailbox) VALUES ('al@example.org', 'alice@example.org'); UPDATE delegate SET login = 'al@example.org' WHERE id = 'bob'",
    'MANDAT_DUPLICATE: this login is an alias of a mailbox that is not theirs',
  ],
  [
    "UPDATE delegate SET state = 'ended' WHERE id = 'bob'; UPDATE delegate SET state = 'active' WHERE id = 'bob'",
    'MANDAT_ENDED: the account of this delegate has ended: remove them, and add them anew',
  ],
];

t.test('a delegate is they, whatever the table refuses', async (t) => {
  for (const [sql, says] of REFUSALS) {
    const file = freshWorld(t, "INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')");
    t.match(sqlite3(file, sql).stderr, says);
  }
  const model = released(DELEGATIONS.migrations);
  const all = model.prepare<[], string>("SELECT sql FROM sqlite_schema WHERE type = 'trigger'").pluck().all();
  model.close();
  t.same(
    all.flatMap((sql) => sql.match(/'MANDAT_[A-Z_]+: [^']*\b(?:he|him|his)\b[^']*'/g) ?? []),
    [],
  );
});

function schemaOf(file: string): unknown {
  const database = new Database(file, { readonly: true });
  const all = database.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all();
  database.close();
  return all;
}
