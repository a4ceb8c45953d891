/** Conflict clauses and pragmas that soften or skip constraints in SQLite: none of them softens a rule of ours. */
import t from 'tap';
import { row, rows, sqlite3, verdicts } from '../shell.ts';
import { decide, freshWorld, type RowAfter } from '../world.ts';

const BOB = "INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')";
const ALIAS = "INSERT INTO alias VALUES ('a.lice@example.org', 'alice@example.org')";
const ids =
  "(SELECT id FROM mailboxes WHERE address = 'alice@example.org'), (SELECT id FROM delegates WHERE identifier = 'bob')";
const times = "'2026-01-01T00:00:00.000Z', 'sql', 0";

/** A statement without its verb, after which bob is a delegate of alice's already. */
const INSERTS: readonly (readonly [string, string])[] = [
  ["INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')", 'MANDAT_DUPLICATE'],
  [
    `INTO delegations (mailbox_id, delegate_id, created_at, created_by, suspended) VALUES (${ids}, ${times})`,
    'MANDAT_DUPLICATE',
  ],
  [
    `INTO delegations (id, mailbox_id, delegate_id, created_at, created_by, suspended)
      SELECT 1, m.id, d.id, ${times} FROM mailboxes m, delegates d WHERE m.address = 'other@example.org' AND d.identifier = 'carol'`,
    'MANDAT_DUPLICATE',
  ],
  ["INTO mailbox (address) VALUES ('alice@example.org')", 'MANDAT_DUPLICATE'],
  ["INTO mailbox (address, login) VALUES ('new@example.org', 'alice')", 'MANDAT_DUPLICATE'],
  [
    "INTO mailboxes (id, address, login, kind, eligible, server) VALUES (1, 'new@example.org', 'new', 'PER', 1, 'main')",
    'MANDAT_DUPLICATE',
  ],
  ["INTO delegate (id) VALUES ('bob')", 'MANDAT_DUPLICATE'],
  ["INTO delegate (id, login) VALUES ('new', 'bob@example.net')", 'MANDAT_DUPLICATE'],
  ["INTO delegates (id, identifier, login, state) VALUES (1, 'new', 'new', 'active')", 'MANDAT_DUPLICATE'],
  ["INTO alias VALUES ('a.lice@example.org', 'other@example.org')", 'MANDAT_DUPLICATE'],
  ["INTO alias VALUES ('other@example.org', 'alice@example.org')", 'MANDAT_DUPLICATE'],
  ["INTO alias VALUES ('x@example.org', 'nobody@example.org')", 'MANDAT_UNKNOWN_MAILBOX'],
  ["INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'rpps-alice')", 'MANDAT_SELF'],
  ["INTO delegation (mailbox, delegate) VALUES ('erin@example.org', 'carol')", 'MANDAT_NOT_ELIGIBLE'],
  ["INTO delegation (mailbox, delegate, ends_at) VALUES ('alice@example.org', 'carol', '2026-02-30')", 'MANDAT_TIME'],
  ["INTO delegate (id) VALUES ('anyone')", 'MANDAT_IDENTIFIER'],
  [
    `INTO delegations (mailbox_id, delegate_id, created_at, created_by, suspended) VALUES (999, 1, ${times})`,
    'MANDAT_UNKNOWN_MAILBOX',
  ],
  [
    `INTO delegations (mailbox_id, delegate_id, created_at, created_by, suspended) VALUES (1, 999, ${times})`,
    'MANDAT_UNKNOWN_DELEGATE',
  ],
];

const UPDATES: readonly (readonly [string, string])[] = [
  ["delegation SET delegate = 'carol'", 'MANDAT_IMMUTABLE'],
  ["delegation SET mailbox = 'other@example.org'", 'MANDAT_IMMUTABLE'],
  ['delegations SET delegate_id = delegate_id + 1', 'MANDAT_IMMUTABLE'],
  ['delegations SET id = id + 100', 'MANDAT_IMMUTABLE'],
  ['delegations SET rowid = rowid + 100', 'MANDAT_IMMUTABLE'],
  ['mailboxes SET id = id + 100', 'MANDAT_IMMUTABLE'],
  ['delegates SET id = id + 100', 'MANDAT_IMMUTABLE'],
  ["mailbox SET address = 'other@example.org' WHERE address = 'alice@example.org'", 'MANDAT_DUPLICATE'],
  ["mailbox SET login = 'alice' WHERE address = 'other@example.org'", 'MANDAT_DUPLICATE'],
  ["mailbox SET login = 'bob@example.net' WHERE address = 'alice@example.org'", 'MANDAT_SELF'],
  ["mailbox SET owner = 'bob' WHERE address = 'alice@example.org'", 'MANDAT_SELF'],
  ["delegate SET login = 'alice' WHERE id = 'bob'", 'MANDAT_SELF'],
  ["delegate SET id = 'carol' WHERE id = 'bob'", 'MANDAT_DUPLICATE'],
  ["delegate SET login = 'carol@example.net' WHERE id = 'bob'", 'MANDAT_DUPLICATE'],
  ["alias SET mailbox = 'other@example.org'", 'MANDAT_IMMUTABLE'],
  ["aliases SET address = 'x@example.org'", 'MANDAT_IMMUTABLE'],
];

const PRAGMAS = [
  '',
  'PRAGMA recursive_triggers = 1;',
  'PRAGMA foreign_keys = 1;',
  'PRAGMA ignore_check_constraints = 1;',
];
const CLAUSES = ['', ' OR IGNORE', ' OR REPLACE', ' OR FAIL', ' OR ROLLBACK'];

t.test('every way to insert or update past a rule', async (t) => {
  const file = freshWorld(t, `${BOB}; ${ALIAS}`);
  const everything = () =>
    rows(
      file,
      'SELECT * FROM mailboxes; SELECT * FROM aliases; SELECT * FROM delegates; SELECT * FROM delegations; SELECT * FROM counters',
    );
  const before = everything();
  const said = (statements: readonly string[]) => {
    const given = verdicts(file, statements);
    return statements.map((statement, index) => `${given[index]}: ${statement}`);
  };
  for (const pragma of PRAGMAS) {
    for (const clause of CLAUSES) {
      const statements = [
        ...INSERTS.map(([rest, rule]) => [`${pragma}INSERT${clause} ${rest}`, rule] as const),
        ...UPDATES.map(([rest, rule]) => [`${pragma}UPDATE${clause} ${rest}`, rule] as const),
      ];
      t.same(
        said(statements.map(([statement]) => statement)),
        statements.map(([statement, rule]) => `${rule}: ${statement}`),
        `${pragma} ...${clause}`,
      );
    }
  }
  t.same(
    said(INSERTS.map(([rest]) => `REPLACE ${rest}`)),
    INSERTS.map(([rest, rule]) => `${rule}: REPLACE ${rest}`),
    'REPLACE INTO',
  );
  t.same(everything(), before, 'and nothing has changed in all this');
  t.same(rows(file, 'SELECT * FROM pending; SELECT * FROM events'), [], 'nor is anything to be done or told');
});

t.test('a REPLACE that hits a row by its number only', async (t) => {
  // rowid 1 is a.lice@example.org's; a REPLACE would remove it without a DELETE trigger, and alice would keep her sender rule.
  const file = freshWorld(t, ALIAS);
  sqlite3(file, "INSERT OR REPLACE INTO aliases (rowid, address, mailbox_id) VALUES (1, 'b@example.org', 6)");
  t.equal(
    row(file, "SELECT count(*) FROM alias WHERE address = 'a.lice@example.org' AND mailbox = 'alice@example.org'"),
    '1',
  );
});

t.test('numbers that a trigger takes for "not given"', async (t) => {
  // In a BEFORE INSERT trigger NEW.id is -1 when the database will choose it: a row with that id would block all that follow.
  const table: readonly RowAfter[] = [
    [
      'SELECT 1',
      "INSERT INTO mailboxes (id, address, login, kind, eligible, server) VALUES (-1, 'n@example.org', 'n', 'PER', 1, 'main')",
      'MANDAT_IMMUTABLE',
      'a mailbox',
    ],
    [
      'SELECT 1',
      "INSERT OR REPLACE INTO delegates (id, identifier, login, state) VALUES (-1, 'n', 'n', 'active')",
      'MANDAT_IMMUTABLE',
      'a delegate',
    ],
    [
      'SELECT 1',
      `INSERT INTO delegations (id, mailbox_id, delegate_id, created_at, created_by, suspended) VALUES (-1, ${ids}, ${times})`,
      'MANDAT_IMMUTABLE',
      'a delegation',
    ],
  ];
  await decide(t, table);
});
