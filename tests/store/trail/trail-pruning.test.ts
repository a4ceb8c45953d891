/** A trail that is pruned stays provable and readable from its checkpoint on; and nobody takes away or changes what stands in it. */

import t from 'tap';
import type { StateDb } from '../../../bridge/store/state/state-db.ts';
import { type AuditEntry, appendAudit, auditHead, ownEntry } from '../../../bridge/store/trail/sealing.ts';
import { proveAudit } from '../../../bridge/store/trail/trail-proof.ts';
import { pruneAudit } from '../../../bridge/store/trail/trail-pruning.ts';
import { readAudit, sealedEntries, standingAt } from '../../../bridge/store/trail/trail-reading.ts';
import { failure } from '../failures.ts';
import { freshFiles, freshState, openState, openTable } from '../fresh.ts';
import { rows } from '../shell.ts';

const KEY = Buffer.alloc(32, 7);
const day = (n: number) => `2026-11-${String(n).padStart(2, '0')}T08:00:00.000Z`;
const NOW = day(30);

const told = (on: number, action: string, detail?: object): AuditEntry =>
  ownEntry(day(on), { action, mailbox: 'alice@example.org', delegate: 'bob', detail });
const TRAIL = [
  told(1, 'grant'),
  told(2, 'in-force'),
  told(3, 'publish', { addresses: ['alice@example.org', 'a@example.org'] }),
  told(4, 'withdraw', { addresses: ['a@example.org'] }),
  told(5, 'revoke'),
  told(6, 'withdrawn'),
  told(6, 'withdraw', { addresses: ['alice@example.org'] }),
];

const trail = async (state: StateDb) => {
  const found: string[] = [];
  for await (const { id, action } of sealedEntries(state, {})) found.push(`${id} ${action}`);
  return found;
};

t.test('what is older goes, a checkpoint remains, and the chain holds across it', async (t) => {
  const state = await freshState(t);
  t.equal(await pruneAudit(state, KEY, day(10), NOW), 0, 'nothing there');
  await appendAudit(state, KEY, TRAIL);
  t.equal(await pruneAudit(state, KEY, day(1), NOW), 0, 'nothing older');
  const before = await auditHead(state);
  t.equal(await pruneAudit(state, KEY, day(4), NOW), 3);
  t.same(await trail(state), ['4 withdraw', '5 revoke', '6 withdrawn', '7 withdraw', '8 audit-prune']);
  t.match(await proveAudit(state, KEY), { intact: true, entries: 5, pruned: 3 });
  t.match(await proveAudit(state, KEY, before), { intact: true, known: 'there' }, 'a head noted before');
  t.match(await proveAudit(state, KEY, { id: 2, seal: 'f'.repeat(64) }), { intact: true, known: 'pruned' });

  t.equal(await pruneAudit(state, KEY, day(20), NOW), 4, 'again, up to the note of the first pruning');
  await appendAudit(state, KEY, [told(30, 'failed')]);
  t.match(await proveAudit(state, KEY), { intact: true, entries: 3, pruned: 7 });
  t.equal(await pruneAudit(state, KEY, '2026-12-31T00:00:00.000Z', NOW), 3, 'all of it');
  t.same(await trail(state), ['11 audit-prune'], 'numbers go on');
  t.match(await proveAudit(state, KEY), { intact: true });
});

t.test('who had what, at each instant, and from the checkpoint when the rest is gone', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [openTable(t, files), openState(t, files)];
  await appendAudit(state, KEY, TRAIL);
  const at = async (n: number) => (await standingAt(state, table, day(n)))['alice@example.org']?.bob;
  /** the day, what stands then */
  const days = [
    [1, { delegated: day(1), access: null, sends: [] }],
    [2, { delegated: day(1), access: day(2), sends: [] }],
    [3, { delegated: day(1), access: day(2), sends: ['a@example.org', 'alice@example.org'] }],
    [4, { delegated: day(1), access: day(2), sends: ['alice@example.org'] }],
    [5, { delegated: null, access: day(2), sends: ['alice@example.org'] }],
    [6, undefined],
  ] as const;
  for (const [n, expected] of days) t.same(await at(n), expected, day(n));
  t.equal((await failure(() => standingAt(state, table, '2026-10-31T00:00:00.000Z'))).code, 'absent', 'too early');

  await pruneAudit(state, KEY, day(4), NOW);
  for (const [n, expected] of days.slice(2)) t.same(await at(n), expected, `${day(n)}, pruned up to the third`);
  t.match(await failure(() => standingAt(state, table, day(2))), { code: 'absent', hint: /retention_days/ });
});

t.test('events that nobody has sealed yet count too', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [openTable(t, files), openState(t, files)];
  rows(
    files.delegations,
    `INSERT INTO mailbox (address) VALUES ('alice@example.org'); INSERT INTO delegate (id) VALUES ('bob');
     INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')`,
  );
  const standing = await standingAt(state, table, '9999-01-01T00:00:00.000Z');
  t.match(standing, { 'alice@example.org': { bob: { delegated: /^20/, access: null } } });
});

t.test('the trail and its checkpoints are only added to', async (t) => {
  const state = await freshState(t);
  await appendAudit(state, KEY, TRAIL);
  await pruneAudit(state, KEY, day(4), NOW);
  for (const statement of [
    "UPDATE audit SET actor = 'x' WHERE id = 5",
    'DELETE FROM audit WHERE id = 5',
    'DELETE FROM audit',
    "INSERT OR REPLACE INTO audit (id, at, actor, action, seal) VALUES (5, '', '', '', '')",
    "UPDATE audit_checkpoints SET standing = '{}'",
    'DELETE FROM audit_checkpoints',
    "INSERT OR REPLACE INTO audit_checkpoints VALUES (3, '', 0, '', '', '{}', '')",
  ]) {
    t.throws(() => rows(state.file, statement), /only added to/, statement);
  }
  t.match(await proveAudit(state, KEY), { intact: true });
});

t.test('with the triggers gone, whatever is done to a checkpoint shows', async (t) => {
  const triggers = ['inserting', 'updating', 'deleting']
    .flatMap((name) => [`DROP TRIGGER audit_checkpoints_${name}`, `DROP TRIGGER audit_${name}`])
    .join(';');
  /** statement, what is found */
  const table = [
    ['SELECT 1', { intact: true }],
    ["UPDATE audit_checkpoints SET standing = '{}' WHERE last_id = 3", { intact: false, at: 3, why: 'checkpoint' }],
    ["UPDATE audit_checkpoints SET last_at = '2026' WHERE last_id = 5", { intact: false, at: 5, why: 'checkpoint' }],
    ['UPDATE audit_checkpoints SET entries = 1 WHERE last_id = 3', { intact: false, at: 3, why: 'checkpoint' }],
    ['DELETE FROM audit_checkpoints WHERE last_id = 3', { intact: false, at: 5, why: 'checkpoint' }],
    ['DELETE FROM audit_checkpoints WHERE last_id = 5', { intact: false, at: 6, why: 'entry' }],
    ['DELETE FROM audit_checkpoints', { intact: false, at: 6, why: 'entry' }],
    ['DELETE FROM audit WHERE id = 6', { intact: false, at: 7, why: 'entry' }],
    ['DELETE FROM audit WHERE id = 9', { intact: false, at: 9, why: 'end' }],
    ['DELETE FROM audit', { intact: false, at: 6, why: 'end' }],
    ['DELETE FROM audit; DELETE FROM audit_checkpoints', { intact: false, at: 1, why: 'end' }],
  ] as const;
  for (const [statement, found] of table) {
    await t.test(statement, async (t) => {
      const state = await freshState(t);
      await appendAudit(state, KEY, TRAIL);
      await pruneAudit(state, KEY, day(4), NOW);
      await pruneAudit(state, KEY, day(6), NOW);
      rows(state.file, `${triggers}; ${statement}`);
      t.match(await proveAudit(state, KEY), found);
    });
  }
});

t.test('a head that was written down finds what the file alone cannot tell', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  await appendAudit(state, KEY, TRAIL);
  const head = await auditHead(state);
  // As if the whole file had been put back as it was, with its own end.
  const other = await freshState(t);
  await appendAudit(other, KEY, TRAIL.slice(0, 4));
  t.match(await proveAudit(other, KEY), { intact: true }, 'whole by itself');
  t.match(await proveAudit(other, KEY, head), { intact: false, at: 7, why: 'head' });
});

t.test('interrupted behind the checkpoint: what is pruned is read by nobody, and goes the next time', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  await appendAudit(state, KEY, TRAIL);
  rows(
    state.file,
    "CREATE TRIGGER no BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'as if the disk were full'); END",
  );
  await t.rejects(pruneAudit(state, KEY, day(4), NOW));
  const pruned = async () => {
    t.match(await proveAudit(state, KEY), { intact: true, entries: 5, pruned: 3 });
    t.same(await trail(state), ['4 withdraw', '5 revoke', '6 withdrawn', '7 withdraw', '8 audit-prune']);
    t.equal((await readAudit(state, openTable(t, files), { limit: 100 })).length, 5);
  };
  t.equal(rows(state.file, 'SELECT id FROM audit').length, 8);
  await pruned();
  rows(state.file, 'DROP TRIGGER no');
  t.equal(await pruneAudit(state, KEY, day(4), NOW), 0, 'nothing else is as old');
  t.equal(rows(state.file, 'SELECT id FROM audit').length, 5);
  await pruned();
});

t.test('interrupted before it, pruning has done nothing', async (t) => {
  const state = await freshState(t);
  await appendAudit(state, KEY, TRAIL);
  rows(
    state.file,
    "CREATE TRIGGER no BEFORE INSERT ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'as if the disk were full'); END",
  );
  await t.rejects(pruneAudit(state, KEY, day(4), NOW));
  t.match(await proveAudit(state, KEY), { intact: true, entries: 7, pruned: 0 });
  t.equal((await trail(state)).length, 7);
});
