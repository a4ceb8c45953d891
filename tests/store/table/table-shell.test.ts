/**
 * The delegation table as another program meets it: through the `sqlite3` shell, with no function, no pragma and no
 * connection of ours. Granting, revoking, and the rules for both.
 */
import t from 'tap';
import { asMandat, row, rows, sqlite3, sqlite3Beside } from '../shell.ts';
import { decide, freshWorld, type Row, type RowAfter } from '../world.ts';

const grant = (delegate: string, mailbox = 'alice@example.org') =>
  `INSERT INTO delegation (mailbox, delegate) VALUES ('${mailbox}', '${delegate}')`;
const TEN = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
  INSERT INTO delegation (mailbox, delegate) SELECT 'alice@example.org', 'd' || i FROM n`;

t.test('an INSERT of two names grants, a DELETE revokes', async (t) => {
  const file = freshWorld(t);
  rows(file, grant('bob'));
  const granted = row(
    file,
    `SELECT mailbox, delegate, created_by, starts_at IS NULL, ends_at IS NULL, note IS NULL, suspended,
      abs(julianday(created_at) - julianday('now')) < 0.01, length(created_at) FROM delegation`,
  );
  t.equal(granted, 'alice@example.org|bob|sql|1|1|1|0|1|24', 'with a time of its own, and who did it');
  t.equal(
    row(file, 'SELECT version FROM pending'),
    row(file, 'SELECT version FROM counters'),
    'the mailbox is pending',
  );

  rows(file, "DELETE FROM delegation WHERE mailbox = 'alice@example.org' AND delegate = 'bob'");
  t.equal(row(file, 'SELECT count(*) FROM delegation'), '0');
  t.same(rows(file, 'SELECT action, actor, mailbox, delegate FROM events'), [
    'grant|sql|alice@example.org|bob',
    'revoke|sql|alice@example.org|bob',
  ]);
  rows(file, grant('bob'));
  t.equal(row(file, 'SELECT count(*) FROM delegation'), '1', 'and may be granted again');
});

t.test('who may be granted what', async (t) => {
  const table: readonly (Row | RowAfter)[] = [
    [grant('bob'), undefined, 'a personal, eligible mailbox'],
    [grant('bob', 'erin@example.org'), 'MANDAT_NOT_ELIGIBLE', 'R26'],
    [grant('bob', 'org@example.org'), 'MANDAT_NOT_PERSONAL', 'R2: an organisation'],
    [grant('bob', 'app@example.org'), 'MANDAT_NOT_PERSONAL', 'R2: an application'],
    [grant('bob', 'cab@example.org'), 'MANDAT_NOT_PERSONAL', 'R2: a practice'],
    [grant('bob', 'nobody@example.org'), 'MANDAT_UNKNOWN_MAILBOX', 'no such mailbox'],
    [grant('nobody'), 'MANDAT_UNKNOWN_DELEGATE', 'no such delegate'],
    [grant('bob', 'Alice@example.org'), 'MANDAT_UNKNOWN_MAILBOX', 'upper case is another name'],
    [grant('bob', 'alice'), 'MANDAT_UNKNOWN_MAILBOX', 'a login is no address'],
    [
      "INSERT INTO delegation (mailbox, delegate) VALUES (NULL, 'bob')",
      'MANDAT_UNKNOWN_MAILBOX',
      'no mailbox is not every mailbox',
    ],
    [
      "INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', NULL)",
      'MANDAT_UNKNOWN_DELEGATE',
      'no delegate is not every delegate',
    ],
    [grant('bob'), grant('bob'), 'MANDAT_DUPLICATE', 'once is enough'],
    [`${grant('bob')}; ${grant('bob', 'other@example.org')}`, grant('carol'), undefined, 'several of each'],
    [grant('rpps-alice'), 'MANDAT_SELF', 'the owner themselves, by their identifier, under another login'],
    [
      "INSERT INTO delegate (id, login) VALUES ('a2', 'alice')",
      grant('a2'),
      'MANDAT_SELF',
      'the owner themselves, by their login, under another identifier',
    ],
    [
      "INSERT INTO mailbox (address) VALUES ('self@example.org'); INSERT INTO delegate (id) VALUES ('self@example.org')",
      grant('self@example.org', 'self@example.org'),
      'MANDAT_SELF',
      'the login that a mailbox has by default',
    ],
    [
      "DELETE FROM delegate WHERE id = 'bob'; UPDATE mailbox SET owner = NULL WHERE address = 'alice@example.org'",
      grant('carol'),
      undefined,
      'an owner whose identifier is not known is nobody in particular',
    ],
    [
      grant('carol'),
      "INSERT INTO delegation (mailbox, delegate, note) SELECT 'alice@example.org', id, 'all of them' FROM delegate WHERE id IN ('bob', 'carol')",
      'MANDAT_DUPLICATE',
      'a statement that fails half-way grants nobody',
    ],
    [
      "INSERT INTO delegation (mailbox, delegate, created_by, note) VALUES ('alice@example.org', 'bob', 'sync', 42)",
      undefined,
      'a program may say who it is; a note is any text',
    ],
    [grant('bob'), 'UPDATE delegation SET suspended = 1', undefined, 'suspending one'],
    [grant('bob'), 'UPDATE delegation SET suspended = 2', 'MANDAT_STATE', 'neither yes nor no'],
    [grant('bob'), 'UPDATE OR IGNORE delegation SET suspended = NULL', 'MANDAT_STATE', 'never unknown'],
    [
      `${grant('bob')}; ${grant('carol')}`,
      "DELETE FROM delegation WHERE delegate = 'nobody'",
      undefined,
      'deleting what is not there is nothing',
    ],
  ];
  await decide(t, table);
});

t.test('ten delegates a mailbox, whoever writes', async (t) => {
  const table: readonly RowAfter[] = [
    ['SELECT 1', TEN, undefined, 'ten'],
    [TEN, grant('d11'), 'MANDAT_LIMIT', 'the eleventh'],
    [TEN, grant('d11', 'other@example.org'), undefined, 'of another mailbox'],
    [
      TEN,
      "INSERT OR IGNORE INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'd11')",
      'MANDAT_LIMIT',
      '',
    ],
    [TEN, "REPLACE INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'd11')", 'MANDAT_LIMIT', ''],
    [TEN, `PRAGMA ignore_check_constraints = 1; ${grant('d11')}`, 'MANDAT_LIMIT', 'it is no CHECK'],
    [TEN, `PRAGMA recursive_triggers = 1; ${grant('d11')}`, 'MANDAT_LIMIT', ''],
    [TEN, `DELETE FROM delegation WHERE delegate = 'd3'; ${grant('d11')}`, undefined, 'a place was freed'],
    [
      TEN,
      "UPDATE delegation SET ends_at = '2020-01-01T00:00:00.000Z'; INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'd11')",
      'MANDAT_LIMIT',
      'delegations that have ended have their rows, and count until they are deleted',
    ],
    [
      asMandat("UPDATE settings SET value = '2' WHERE name = 'max_delegates'"),
      `${grant('bob')}; ${grant('carol')}; ${grant('d1')}`,
      'MANDAT_LIMIT',
      '[policy] max_delegates',
    ],
    [
      `${TEN}; ${asMandat("UPDATE settings SET value = '2' WHERE name = 'max_delegates'")}`,
      "UPDATE delegation SET note = 'still here'",
      undefined,
      'a lower limit takes nothing away from those who are there',
    ],
    [
      `${asMandat("DELETE FROM settings WHERE name = 'max_delegates'")}; ${TEN}`,
      grant('d11'),
      'MANDAT_LIMIT',
      'a setting that is gone is no open door',
    ],
    [
      asMandat("UPDATE settings SET value = 'plenty' WHERE name = 'max_delegates'"),
      grant('bob'),
      'MANDAT_LIMIT',
      'nor one that is no number',
    ],
  ];
  // Some of these do several things, of which the first succeed: only the last is compared with what was there before.
  for (const [first, statement, rule, why] of table) {
    await t.test(async (t) => {
      const file = freshWorld(t, first);
      const said = sqlite3(file, statement);
      t.equal(said.rule, rule, `${statement.slice(0, 90)}: ${why}`);
      t.equal(said.status === 0, rule === undefined, 'the exit status says so');
      const most = Number(row(file, "SELECT count(*) FROM delegation WHERE mailbox = 'alice@example.org'"));
      t.ok(most <= 10, 'never more than ten');
    });
  }
});

t.test('twelve shells at the same time: ten are let in', async (t) => {
  const file = freshWorld(t);
  const said = await Promise.all(Array.from({ length: 12 }, (_, i) => sqlite3Beside(file, grant(`d${i + 1}`))));
  t.equal(said.filter(({ status }) => status === 0).length, 10, 'ten succeed');
  t.same(
    said.filter(({ status }) => status !== 0).map(({ rule }) => rule),
    ['MANDAT_LIMIT', 'MANDAT_LIMIT'],
    'two are told why not',
  );
  t.equal(row(file, 'SELECT count(*) FROM delegation'), '10');
  t.equal(row(file, "SELECT count(*) FROM events WHERE action = 'grant'"), '10', 'one event each');
  t.equal(row(file, 'SELECT version FROM pending'), row(file, 'SELECT version FROM counters'), 'pending at the last');
});

t.test('a transaction of twelve is refused as a whole when the program says so', async (t) => {
  const file = freshWorld(t);
  const said = sqlite3(file, `BEGIN; ${Array.from({ length: 12 }, (_, i) => grant(`d${i + 1}`)).join(';')}; COMMIT`);
  t.equal(said.rule, 'MANDAT_LIMIT');
  t.equal(row(file, 'SELECT count(*) FROM delegation'), '0', 'the shell left without COMMIT');
  t.same(rows(file, 'SELECT * FROM pending'), [], 'nothing to do');
});
