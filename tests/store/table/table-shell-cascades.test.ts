/** What a change to one row of the delegation table does to others: cascades, the pending set, the events. */
import t from 'tap';
import { row, rows } from '../shell.ts';
import { freshWorld } from '../world.ts';

const GRANTS = `INSERT INTO delegation (mailbox, delegate) VALUES
  ('alice@example.org', 'bob'), ('alice@example.org', 'carol'), ('other@example.org', 'bob');
  INSERT INTO alias VALUES ('a.lice@example.org', 'alice@example.org')`;

const PRAGMAS = ['', 'PRAGMA foreign_keys = 0;', 'PRAGMA foreign_keys = 1;', 'PRAGMA recursive_triggers = 1;'];
const EVENTS = 'SELECT action, mailbox, delegate FROM events ORDER BY id';
const DELEGATIONS = 'SELECT mailbox, delegate FROM delegation ORDER BY 1, 2';

const idOf = (file: string, address: string) => row(file, `SELECT id FROM mailboxes WHERE address = '${address}'`);
const pending = (file: string) => rows(file, 'SELECT mailbox_id FROM pending ORDER BY 1');

t.test('a mailbox that goes takes its delegations and aliases along', async (t) => {
  for (const pragma of PRAGMAS) {
    for (const table of ['mailbox', 'mailboxes']) {
      await t.test(`${pragma} DELETE FROM ${table}`, async (t) => {
        const file = freshWorld(t, GRANTS);
        const alice = idOf(file, 'alice@example.org');
        rows(file, `${pragma} DELETE FROM ${table} WHERE address = 'alice@example.org'`);
        t.same(rows(file, DELEGATIONS), ['other@example.org|bob'], 'those of others stay');
        t.same(rows(file, 'SELECT * FROM aliases'), [], 'no orphaned alias');
        t.equal(row(file, 'SELECT count(*) FROM delegations'), '1', 'no orphaned delegation below the view');
        t.same(
          pending(file),
          [alice],
          'the mailbox is pending although it is gone: somebody has to take its entries away',
        );
        const events = rows(file, EVENTS);
        t.same([...events].sort(), [
          'alias-remove|alice@example.org|',
          'mailbox-remove|alice@example.org|',
          'revoke|alice@example.org|bob',
          'revoke|alice@example.org|carol',
        ]);
        t.equal(events.at(-1), 'mailbox-remove|alice@example.org|', 'the mailbox itself last');
      });
    }
  }
});

t.test('a mailbox without delegates is pending too when it goes: its owner has a sender rule', async (t) => {
  const file = freshWorld(t);
  const other = idOf(file, 'other@example.org');
  rows(file, "DELETE FROM mailbox WHERE address = 'other@example.org'");
  t.same(pending(file), [other]);
});

t.test('a delegate who goes loses every delegation', async (t) => {
  for (const pragma of PRAGMAS) {
    for (const [table, column] of [
      ['delegate', 'id'],
      ['delegates', 'identifier'],
    ] as const) {
      await t.test(`${pragma} DELETE FROM ${table}`, async (t) => {
        const file = freshWorld(t, GRANTS);
        rows(file, `${pragma} DELETE FROM ${table} WHERE ${column} = 'bob'`);
        t.same(rows(file, DELEGATIONS), ['alice@example.org|carol']);
        t.equal(row(file, 'SELECT count(*) FROM delegations'), '1', 'no orphan below the view');
        t.same(pending(file), [idOf(file, 'alice@example.org'), idOf(file, 'other@example.org')], 'both mailboxes');
        t.same(rows(file, EVENTS), [
          'revoke|alice@example.org|bob',
          'revoke|other@example.org|bob',
          'delegate-remove||bob',
        ]);
      });
    }
  }
});

t.test('a whole table that is emptied passes every row by the triggers', async (t) => {
  for (const table of ['delegation', 'delegations', 'mailbox', 'mailboxes', 'delegate', 'delegates']) {
    await t.test(table, async (t) => {
      const file = freshWorld(t, GRANTS);
      const ids = [idOf(file, 'alice@example.org'), idOf(file, 'other@example.org')];
      rows(file, `DELETE FROM ${table}`);
      t.equal(row(file, 'SELECT count(*) FROM delegations'), '0');
      t.equal(row(file, "SELECT count(*) FROM events WHERE action = 'revoke'"), '3', 'one event each');
      const waiting = pending(file);
      for (const id of ids) t.ok(waiting.includes(id ?? ''), 'its mailbox is pending');
    });
  }
});

t.test('a mailbox that may no longer be delegated keeps its rows: policy suspends them', async (t) => {
  for (const change of ["kind = 'ORG'", "kind = 'CAB'", 'eligible = 0']) {
    await t.test(change, async (t) => {
      const file = freshWorld(t, GRANTS);
      const before = rows(file, DELEGATIONS);
      rows(file, `UPDATE mailbox SET ${change} WHERE address = 'alice@example.org'`);
      t.same(rows(file, DELEGATIONS), before);
      t.same(pending(file), [idOf(file, 'alice@example.org')], 'and it is looked at');
      rows(file, "UPDATE delegation SET note = 'still to be changed', ends_at = NULL WHERE delegate = 'bob'");
    });
  }
});

t.test('a delegate may take a login that is the login of an owner they are no delegate of', async (t) => {
  const file = freshWorld(t, "INSERT INTO delegation (mailbox, delegate) VALUES ('other@example.org', 'carol')");
  rows(file, "UPDATE delegate SET login = 'alice' WHERE id = 'carol'");
  t.same(rows(file, DELEGATIONS), ['other@example.org|carol'], 'as the owner of another mailbox may be a delegate');
});

t.test('pending is a set: each mailbox once, at the version of its last change', async (t) => {
  const file = freshWorld(t);
  const alice = idOf(file, 'alice@example.org');
  const other = idOf(file, 'other@example.org');
  const both = () => rows(file, 'SELECT mailbox_id, version FROM pending ORDER BY mailbox_id');
  const start = Number(row(file, 'SELECT version FROM counters'));
  /** statement, how far alice's version and other's have come since the start, why */
  const steps: readonly (readonly [string, number, number, string])[] = [
    ["INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')", 1, 0, 'a grant'],
    ["INSERT INTO delegation (mailbox, delegate) VALUES ('other@example.org', 'bob')", 1, 2, 'a grant elsewhere'],
    ["UPDATE delegation SET note = 'x' WHERE mailbox = 'alice@example.org'", 3, 2, 'a change'],
    ["INSERT INTO alias VALUES ('x@example.org', 'other@example.org')", 3, 4, 'an alias'],
    ["DELETE FROM alias WHERE address = 'x@example.org'", 3, 5, 'an alias that goes'],
    [
      "UPDATE delegate SET state = 'suspended' WHERE id = 'bob'",
      6,
      6,
      'a delegate: all their mailboxes, at one version',
    ],
    ["UPDATE delegate SET state = 'suspended' WHERE id = 'carol'", 6, 6, 'a delegate of nobody'],
    ["INSERT INTO delegate (id) VALUES ('new')", 6, 6, 'a new delegate'],
    ["DELETE FROM delegate WHERE id = 'new'", 6, 6, 'a delegate of nobody who goes'],
    ["UPDATE mailbox SET owner = NULL WHERE address = 'alice@example.org'", 8, 6, 'a mailbox'],
    ["DELETE FROM delegation WHERE mailbox = 'other@example.org'", 8, 9, 'a revoke'],
  ];
  for (const [statement, a, o, why] of steps) {
    rows(file, statement);
    const expected = [
      [alice, a],
      [other, o],
    ].flatMap(([id, version]) => (version === 0 ? [] : [`${id}|${start + Number(version)}`]));
    t.same(both(), expected, why);
  }
  const version = Number(row(file, 'SELECT version FROM counters'));
  rows(file, 'DELETE FROM pending');
  rows(file, "DELETE FROM mailbox WHERE address = 'alice@example.org'");
  const [left] = both();
  t.equal(left?.split('|')[0], alice, 'a mailbox that is gone');
  t.ok(Number(left?.split('|')[1]) > version, 'at a version that nobody has seen');
});

t.test('a statement that changes many mailboxes marks each of them', async (t) => {
  const file = freshWorld(t, GRANTS);
  rows(file, "UPDATE delegation SET ends_at = '2026-11-23T08:00:00.000Z'");
  t.same(pending(file), [idOf(file, 'alice@example.org'), idOf(file, 'other@example.org')]);
  rows(file, 'UPDATE mailbox SET eligible = 0');
  t.equal(pending(file).length, 6, 'all six of the world');
});

t.test('what is refused or rolled back leaves nothing to do', async (t) => {
  const file = freshWorld(t);
  rows(file, "BEGIN; INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob'); ROLLBACK");
  t.same(rows(file, 'SELECT * FROM pending; SELECT * FROM events'), []);
});

t.test('events say what happened, when, and that it was done in SQL', async (t) => {
  const file = freshWorld(t);
  rows(
    file,
    `INSERT INTO mailbox (address) VALUES ('new@example.org');
    UPDATE mailbox SET address = 'newer@example.org' WHERE address = 'new@example.org';
    INSERT INTO alias VALUES ('x@example.org', 'newer@example.org');
    INSERT INTO delegate (id, login) VALUES ('zoe', 'zoe@example.net');
    INSERT INTO delegation (mailbox, delegate, created_by, ends_at) VALUES ('newer@example.org', 'zoe', 'webmail', '2026-12-01T00:00:00.000Z');
    UPDATE delegation SET ends_at = NULL WHERE delegate = 'zoe';
    UPDATE delegate SET id = 'zoë' WHERE 0;
    UPDATE delegate SET state = 'suspended' WHERE id = 'zoe';
    DELETE FROM delegation WHERE delegate = 'zoe';
    DELETE FROM alias WHERE address = 'x@example.org';
    DELETE FROM delegate WHERE id = 'zoe';
    DELETE FROM mailbox WHERE address = 'newer@example.org';`,
  );
  t.same(rows(file, 'SELECT action, mailbox, delegate, detail FROM events ORDER BY id'), [
    'mailbox-add|new@example.org||{"login":"new@example.org","kind":"PER","eligible":1}',
    'mailbox-set|newer@example.org||{"address":"new@example.org","login":"new@example.org","owner":null,"kind":"PER","eligible":1}',
    'alias-add|newer@example.org||{"alias":"x@example.org"}',
    'delegate-add||zoe|{"login":"zoe@example.net","state":"active","credential_valid_until":null}',
    'grant|newer@example.org|zoe|{"by":"webmail","starts_at":null,"ends_at":"2026-12-01T00:00:00.000Z","acknowledged":null}',
    'change|newer@example.org|zoe|{"starts_at":null,"ends_at":null,"suspended":0}',
    'delegate-set||zoe|{"identifier":"zoe","login":"zoe@example.net","state":"suspended","credential_valid_until":null}',
    'revoke|newer@example.org|zoe|',
    'alias-remove|newer@example.org||{"alias":"x@example.org"}',
    'delegate-remove||zoe|{"login":"zoe@example.net"}',
    'mailbox-remove|newer@example.org||{"login":"new@example.org"}',
  ]);
  t.same(rows(file, 'SELECT DISTINCT actor, reason FROM events'), ['sql|']);
  t.equal(
    row(
      file,
      "SELECT count(*) FROM events WHERE at NOT GLOB '????-??-??T??:??:??.???Z' OR abs(julianday(at) - julianday('now')) > 0.01",
    ),
    '0',
    'each with its time',
  );
});

t.test('whoever writes SQL leaves no intent: the guard watches over them', async (t) => {
  const file = freshWorld(t, GRANTS);
  rows(file, "DELETE FROM delegation WHERE delegate = 'bob'; DELETE FROM mailbox");
  t.same(rows(file, 'SELECT * FROM intents'), []);
});
