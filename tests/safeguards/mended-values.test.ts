/** Values in the table that nothing could follow, put there in every way that a writer of the file has: none is fatal. */
import t from 'tap';
import { mendValues } from '../../bridge/safeguards/mended-values.ts';
import { tableAge } from '../../bridge/safeguards/table-from-the-past.ts';
import { grant, revoke } from '../../bridge/store/table/delegations.ts';
import { pendingMailboxes } from '../../bridge/store/table/rows.ts';
import { freshFiles, openState, openTable } from '../store/fresh.ts';
import { asMandat, prepare, row, rows, sqlite3 } from '../store/shell.ts';
import { decide, freshWorld, WORLD } from '../store/world.ts';

const ALICE = 'alice@example.org';
const GRANT = `INSERT INTO delegation (mailbox, delegate) VALUES ('${ALICE}', 'bob')`;
const END = '9223372036854775807';

t.test('plain SQL is kept from them', (t) =>
  decide(t, [
    [
      "UPDATE settings SET value = '20' WHERE name = 'max_delegates'",
      'MANDAT_OURS',
      "the limit is the configuration's",
    ],
    ["INSERT OR REPLACE INTO settings VALUES ('max_delegates', '20')", 'MANDAT_OURS', 'by REPLACE too'],
    ['DELETE FROM settings', 'MANDAT_OURS', ''],
    [`UPDATE counters SET version = ${END}`, 'MANDAT_OURS', 'nobody could revoke any more'],
    ['UPDATE counters SET version = version - 1', 'MANDAT_OURS', 'versions only grow'],
    ['DELETE FROM counters', 'MANDAT_OURS', ''],
    [
      "INSERT INTO events (at, actor, action, detail) VALUES ('2026-11-23T08:00:00.000Z', 'sql', 'grant', 'no JSON')",
      'MANDAT_EVENT',
      '',
    ],
    ["INSERT INTO events (at, actor, action) VALUES ('yesterday', 'sql', 'grant')", 'MANDAT_EVENT', ''],
    [
      `INSERT INTO events (id, at, actor, action) VALUES (${END}, '2026-11-23T08:00:00.000Z', 'sql', 'grant')`,
      'MANDAT_IMMUTABLE',
      'no event could follow',
    ],
    [
      `INSERT INTO delegates (id, identifier, login, state) VALUES (${END}, 'zoe', 'zoe', 'active')`,
      'MANDAT_IMMUTABLE',
      'no delegate could follow',
    ],
  ]),
);

t.test('and from what was noted', async (t) => {
  const file = freshWorld(t);
  prepare(file, GRANT);
  const before = rows(file, 'SELECT * FROM events');
  for (const sql of [
    'DELETE FROM events',
    "UPDATE events SET actor = 'admin:root'",
    'REPLACE INTO events (id, at, actor, action) SELECT id, at, actor, action FROM events',
  ])
    t.equal(sqlite3(file, sql).rule, sql.startsWith('REPLACE') ? 'MANDAT_DUPLICATE' : 'MANDAT_OURS', sql);
  t.same(rows(file, 'SELECT * FROM events'), before);
});

/** How it is done on purpose, what is said of it. */
const DEEDS: readonly (readonly [string, RegExp])[] = [
  [asMandat(`UPDATE counters SET version = ${END}`), /version of the table .* out of range/],
  [
    'DROP TRIGGER counters_guard_update; UPDATE counters SET version = -5',
    /version of the table \(-5\) was out of range/,
  ],
  ['DROP TRIGGER counters_guard_delete; DELETE FROM counters', /version of the table \(gone\)/],
  [asMandat(`UPDATE counters SET version = ${2 ** 51}`), /version of the table/],
  [`UPDATE pending SET version = ${END}`, /versions of pending mailboxes/],
  [`INSERT INTO pending VALUES (${END}, 1, 'main')`, /versions of pending mailboxes/],
  [`UPDATE sqlite_sequence SET seq = ${END}`, /next ids/],
  [
    `DROP TRIGGER events_guard_insert; INSERT INTO events (id, at, actor, action) VALUES (${END}, '2026-11-23T08:00:00.000Z', 'sql', 'grant')`,
    /ids of 1 events/,
  ],
  ["INSERT INTO writer (id, actor) VALUES (1, 'admin:root')", /"writer"/],
];

t.test('what somebody does on purpose is put right, said, and a revoke works', async (t) => {
  for (const [deed, said] of DEEDS) {
    const files = freshFiles(t);
    prepare(files.delegations, WORLD);
    const [table, state] = [openTable(t, files), openState(t, files)];
    t.same(await mendValues(table, state), [], 'nothing to mend');
    await tableAge(table, state);
    await grant(table, { actor: 'admin' }, ALICE, 'bob');
    const events = Number(row(files.delegations, 'SELECT count(*) FROM events'));
    prepare(files.delegations, deed);
    const mended = (await mendValues(table, state)).join('; ');
    t.match(mended, said, deed);
    t.same(await mendValues(table, state), [], 'once');
    const before = Number(row(files.delegations, 'SELECT version FROM counters'));
    const written = await revoke(table, { actor: 'admin' }, ALICE, 'bob');
    t.ok(written.version > before && written.version < 2 ** 50, 'a version that can be waited for');
    t.match((await pendingMailboxes(table)).at(-1), { mailboxId: 1, version: written.version });
    t.equal(await tableAge(table, state), 'current', 'and it is no table from the past');
    t.ok(Number(row(files.delegations, 'SELECT count(*) FROM events')) > events, 'no event is lost');
    t.equal(
      sqlite3(files.delegations, "INSERT INTO delegate (id) VALUES ('zoe')").status,
      0,
      'another program can write',
    );
  }
});

t.test('what had been remembered of such a version before is forgotten', async (t) => {
  const files = freshFiles(t);
  prepare(files.delegations, `${WORLD} ${asMandat(`UPDATE counters SET version = ${END}`)}`);
  prepare(
    files.state,
    `INSERT INTO facts VALUES ('version', '${END}'), ('epoch', 'x');
     INSERT INTO outcomes (mailbox_id, address, in_force_version, verified_version) VALUES (1, '${ALICE}', ${END}, ${END}), (2, 'x', 70, 70)`,
  );
  const [table, state] = [openTable(t, files), openState(t, files)];
  t.match(await mendValues(table, state), [/version/]);
  t.equal(row(files.delegations, 'SELECT version FROM counters'), '71');
  t.equal(
    row(files.state, 'SELECT max(verified_version) FROM outcomes'),
    '70',
    'or whoever waits would be answered at once',
  );
});

t.test('settings are those of the configuration again', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [openTable(t, files), openState(t, files)];
  const settings = { policy: { maxDelegates: 10, eligibleDomains: 'listed' }, identity: { scheme: 'login' } } as const;
  await mendValues(table, state, settings);
  prepare(
    files.delegations,
    asMandat(
      "UPDATE settings SET value = '20' WHERE name = 'max_delegates'; DELETE FROM settings WHERE name = 'eligible_domains'",
    ),
  );
  t.match(await mendValues(table, state, settings), [/max_delegates/, /eligible_domains/]);
  t.equal(
    row(
      files.delegations,
      "SELECT group_concat(value) FROM (SELECT value FROM settings WHERE name <> 'epoch' ORDER BY name)",
    ),
    'listed,login,10',
  );
});
