/** Times in the delegation table: an instant of the calendar in one spelling, or nothing. */
import Database from 'better-sqlite3';
import fc from 'fast-check';
import t from 'tap';
import { delegation1 } from '../../../bridge/store/migrations/delegation-1.ts';
import { rows, sqlite3, verdicts } from '../shell.ts';
import { decide, freshWorld, type Row, type RowAfter } from '../world.ts';

const BOB = "INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')";

/** SQL of a time, whether it is one, why */
const TIMES: readonly (readonly [string, boolean, string])[] = [
  ["'2026-11-23T08:00:00.000Z'", true, 'the one spelling'],
  ["'2028-02-29T12:00:00.000Z'", true, '29 February of a leap year'],
  ["'2000-02-29T12:00:00.000Z'", true, 'a century that is one'],
  ["'9999-12-31T23:59:59.999Z'", true, 'the last there is'],
  ["'1999-12-31T23:59:59.999Z'", true, 'the past'],
  ['NULL', true, 'none'],
  ["'2026-02-29T12:00:00.000Z'", false, '29 February of another year'],
  ["'2100-02-29T12:00:00.000Z'", false, 'a century that is no leap year'],
  ["'2026-02-30T12:00:00.000Z'", false, '30 February, which SQLite takes for 2 March'],
  ["'2026-04-31T12:00:00.000Z'", false, '31 April'],
  ["'2026-00-10T12:00:00.000Z'", false, 'no month'],
  ["'2026-13-01T12:00:00.000Z'", false, 'a thirteenth month'],
  ["'2026-01-00T12:00:00.000Z'", false, 'no day'],
  ["'2026-11-23T24:00:00.000Z'", false, 'an hour that is the next day'],
  ["'2026-11-23T23:60:00.000Z'", false, 'no such minute'],
  ["'2026-12-31T23:59:60.000Z'", false, 'a leap second'],
  ["'10000-01-01T00:00:00.000Z'", false, 'would sort before 2026'],
  ["'+02026-01-01T00:00:00.000Z'", false, 'the other way to write long years'],
  ["'2026-11-23T08:00:00.000'", false, 'no zone: eight where?'],
  ["'2026-11-23T08:00:00.000+01:00'", false, 'an offset does not sort'],
  ["'2026-11-23T08:00:00.000z'", false, 'nor does a small z'],
  ["'2026-11-23 08:00:00.000Z'", false, "SQLite's own separator"],
  ["'2026-11-23T08:00:00Z'", false, 'no milliseconds'],
  ["'2026-11-23T08:00:00.000000Z'", false, 'microseconds'],
  ["'2026-11-23T08:00Z'", false, 'no seconds'],
  ["'2026-11-23'", false, 'a bare date: the command line knows the time zone, the table does not'],
  ["'2026-11-2T08:00:00.000Z'", false, 'one digit'],
  ["' 2026-11-23T08:00:00.000Z'", false, 'a space in front'],
  ["'2026-11-23T08:00:00.000Z '", false, 'a space behind'],
  ["'2026-11-23T08:00:00.000Z' || char(0)", false, 'a NUL behind, which GLOB does not see'],
  ["'2026-11-23T08:00:00.000Z' || char(0) || ' or later'", false, 'and anything after it'],
  ["'２026-11-23T08:00:00.000Z'", false, 'a digit that is not ASCII'],
  ["''", false, 'nothing is written NULL'],
  ["'now'", false, 'SQLite would understand'],
  ["'tomorrow'", false, 'nobody would'],
  ['1795420800', false, 'seconds since 1970'],
  ['2461000.5', false, 'a Julian day'],
  ["strftime('%Y-%m-%dT%H:%M:%fZ', 'now')", true, 'what a program in SQL writes'],
  ["datetime('now')", false, 'what it is tempted to write'],
];

t.test('wherever a time is written', async (t) => {
  const file = freshWorld(t, BOB);
  const columns: readonly (readonly [string, (time: string) => string])[] = [
    [
      'a start',
      (time) => `INSERT INTO delegation (mailbox, delegate, starts_at) VALUES ('alice@example.org', 'carol', ${time})`,
    ],
    [
      'an end',
      (time) => `INSERT INTO delegation (mailbox, delegate, ends_at) VALUES ('alice@example.org', 'carol', ${time})`,
    ],
    [
      'a beginning',
      (time) => `INSERT INTO delegation (mailbox, delegate, created_at) VALUES ('alice@example.org', 'carol', ${time})`,
    ],
    ['a start that changes', (time) => `UPDATE delegation SET starts_at = ${time}`],
    ['an end that changes', (time) => `UPDATE OR IGNORE delegation SET ends_at = ${time}`],
    ['a credential', (time) => `INSERT INTO delegate (id, credential_valid_until) VALUES ('new', ${time})`],
    ['a credential that changes', (time) => `UPDATE delegate SET credential_valid_until = ${time} WHERE id = 'bob'`],
  ];
  for (const [what, statement] of columns) {
    const said = verdicts(
      file,
      TIMES.map(([time]) => statement(time)),
      true,
    );
    t.same(
      TIMES.map(([time, , why], index) => [time, said[index], why]),
      TIMES.map(([time, good, why]) => [time, good ? 'accepted' : 'MANDAT_TIME', why]),
      what,
    );
  }
});

t.test('a delegation ends after it starts', async (t) => {
  const grant = (starts: string, ends: string) =>
    `INSERT INTO delegation (mailbox, delegate, starts_at, ends_at) VALUES ('alice@example.org', 'bob', ${starts}, ${ends})`;
  const [earlier, later] = ["'2026-11-23T08:00:00.000Z'", "'2026-11-23T08:00:00.001Z'"];
  const table: readonly (Row | RowAfter)[] = [
    [grant(earlier, later), undefined, 'a millisecond is enough'],
    [grant(earlier, earlier), 'MANDAT_ORDER', 'at the instant of its start it would have ended'],
    [grant(later, earlier), 'MANDAT_ORDER', 'the wrong way round'],
    [grant('NULL', earlier), undefined, 'no start: from now on, though it has ended'],
    [grant(later, 'NULL'), undefined, 'no end'],
    [grant('NULL', later), `UPDATE delegation SET starts_at = ${later}`, 'MANDAT_ORDER', 'nor by a change'],
    [grant('NULL', later), `UPDATE OR IGNORE delegations SET starts_at = ${later}`, 'MANDAT_ORDER', 'of any kind'],
    [grant(earlier, later), 'UPDATE delegation SET starts_at = NULL, ends_at = NULL', undefined, 'without either'],
  ];
  await decide(t, table);
});

t.test('an instant is accepted exactly when it reads the same in and out of the calendar', async (t) => {
  const database = new Database(':memory:');
  t.teardown(() => database.close());
  database.exec(`${delegation1}; INSERT INTO delegate (id) VALUES ('bob')`);
  const statement = database.prepare('UPDATE delegate SET credential_valid_until = ?');
  const accepts = (time: string) => {
    try {
      statement.run(time);
      return true;
    } catch {
      return false;
    }
  };
  const exists = (time: string) => {
    const read = new Date(time);
    return !Number.isNaN(read.getTime()) && read.toISOString() === time && /^\d{4}-/.test(time);
  };
  const two = fc.integer({ min: 0, max: 62 }).map((n) => String(n).padStart(2, '0'));
  const calendar = fc
    .tuple(
      fc.constantFrom('0000', '1900', '2000', '2026', '2028', '9999'),
      two,
      two,
      two,
      two,
      two,
      fc.nat({ max: 999 }),
    )
    .map(([y, mo, d, h, mi, s, ms]) => `${y}-${mo}-${d}T${h}:${mi}:${s}.${String(ms).padStart(3, '0')}Z`);
  const anyDate = fc
    .date({ min: new Date('0000-01-01T00:00:00.000Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
    .map((date) => date.toISOString());
  fc.assert(
    fc.property(fc.oneof(calendar, anyDate, fc.string()), (time) => accepts(time) === exists(time)),
    { numRuns: 3000 },
  );
  fc.assert(fc.property(anyDate, accepts), { numRuns: 1000 });

  const file = freshWorld(t);
  const updates = fc
    .sample(anyDate, 500)
    .map((time) => `UPDATE delegate SET credential_valid_until = '${time}' WHERE id = 'bob';`);
  const said = sqlite3(file, `BEGIN; ${updates.join('\n')} COMMIT;`);
  t.equal(said.status, 0, `and by the shell's own SQLite: ${said.stderr}`);
});

t.test('what the table keeps sorts as time does', async (t) => {
  const file = freshWorld(t);
  const times = [
    '2026-11-23T08:00:00.000Z',
    '2026-11-23T08:00:00.001Z',
    '2026-12-01T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
  ];
  for (const [index, time] of [...times].reverse().entries()) {
    rows(
      file,
      `INSERT INTO delegation (mailbox, delegate, ends_at) VALUES ('alice@example.org', 'd${index + 1}', '${time}')`,
    );
  }
  t.same(rows(file, 'SELECT ends_at FROM delegation ORDER BY ends_at'), times);
});
