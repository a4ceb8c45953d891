/** What has changed is looked at in portions, and what the guard can't hold waits for nothing else. */
import t, { type Test } from 'tap';
import type { GuardSettings } from '../../acl/guard.ts';
import { giveBack } from '../../bridge/shared/portions.ts';
import { openChanges } from '../../bridge/sidecar/changes.ts';
import { endPair } from '../../bridge/store/state/ledger.ts';
import { pairsOf } from '../../bridge/store/state/ledger-pairs.ts';
import { revoke } from '../../bridge/store/table/delegations.ts';
import { freshFiles, openState, openTable } from '../store/fresh.ts';
import { prepare, rows } from '../store/shell.ts';

const ADMIN = { actor: 'admin' };
const usual: GuardSettings = { enabled: true, maxPairs: 20, maxPercent: 30 };
const address = (m: number) => `m${m}@example.org`;

/** So many mailboxes, delegated to one delegate each, all of them in the ledger. Nothing is pending. */
function world(t: Test, count: number, settings = usual) {
  const files = freshFiles(t);
  const many = (n: number) => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${n})`;
  prepare(
    files.delegations,
    `BEGIN; ${many(count)} INSERT INTO mailbox (address) SELECT 'm' || i || '@example.org' FROM n;
     INSERT INTO delegate (id) VALUES ('bob'); INSERT INTO delegation (mailbox, delegate) SELECT address, 'bob' FROM mailbox;
     DELETE FROM pending; COMMIT`,
  );
  prepare(
    files.state,
    `${many(count)} INSERT INTO ledger (mailbox_id, delegate_id, address, server, owner_login, login, phase, since)
     SELECT i, 1, 'm' || i || '@example.org', 'main', 'm' || i || '@example.org', 'bob', 'verified', '2026-01-01T00:00:00.000Z' FROM n`,
  );
  const [table, state] = [openTable(t, files), openState(t, files)];
  const changes = openChanges(table, state, () => settings);
  const told: string[] = [];
  changes.onChange((mailboxId, urgency) => void told.push(`${urgency} ${mailboxId}`));
  return { changes, table, state, told, sql: (statement: string) => void rows(files.delegations, statement) };
}

const touched = "UPDATE delegation SET note = 'x'";
const held = (changes: { heldIn(id: number): ReadonlySet<string> }, count: number) =>
  Array.from({ length: count }, (_, n) => n + 1).filter((id) => changes.heldIn(id).size > 0);

t.test('each change is told once, revokes as such', async (t) => {
  const { changes, told, table, sql } = world(t, 5);
  await changes.look();
  t.same(told, []);
  sql(`${touched} WHERE mailbox = '${address(2)}'`);
  sql(`DELETE FROM delegation WHERE mailbox = '${address(3)}'`);
  await revoke(table, ADMIN, address(4), 'bob');
  await changes.look();
  t.same(
    told.splice(0),
    ['revoke 4', 'revoke 3', 'change 2'],
    'what is asked for by name waits for no judgement, what gives for all of it',
  );
  await changes.look();
  t.same(told, [], 'and not again');
  sql(`${touched} WHERE mailbox = '${address(2)}'`);
  await changes.look();
  t.same(told, ['change 2'], 'though what was told before still waits');
});

t.test('thousands are looked at in portions, and the loop has its turn between them', async (t) => {
  const { changes, told, sql } = world(t, 1100);
  sql(touched);
  let turns = 0;
  let most = 0;
  let over = false;
  const tick = () => {
    turns++;
    most = Math.max(most, told.length - before);
    before = told.length;
    if (!over) setImmediate(tick);
  };
  let before = 0;
  setImmediate(tick);
  await changes.look();
  over = true;
  t.equal(told.length, 1100);
  t.ok(turns >= 11, `${turns} turns`);
  t.ok(most <= 200, `${most} at once`);
});

t.test('a revoke by name is told while a wave that may be held is being looked at', async (t) => {
  const { changes, table, told, sql } = world(t, 600);
  sql(`DELETE FROM delegation WHERE mailbox <> '${address(1)}'`);
  await revoke(table, ADMIN, address(1), 'bob');
  sql(`${touched}`);
  const looking = changes.look();
  while (!told.includes('revoke 1')) await giveBack();
  t.same(told, ['revoke 1'], 'first of all');
  await looking;
  t.equal(told.filter((one) => one.startsWith('change ')).length, 599, 'what is held is no revoke');
  t.equal(changes.held.pairs, 599);
  t.equal(held(changes, 600).length, 599);
});

t.test('a revoke by name that comes while thousands are being looked at is told between two portions', async (t) => {
  const { changes, table, told, sql } = world(t, 5000);
  sql(touched);
  let done = false;
  const looking = changes.look().finally(() => {
    done = true;
  });
  await giveBack();
  await revoke(table, ADMIN, address(4321), 'bob');
  for (let turns = 0; !told.includes('revoke 4321') && turns < 10; turns++) await giveBack();
  t.same([told, done], [['revoke 4321'], false], 'although it is the last of all changes');
  await looking;
  t.equal(told.filter((one) => one.endsWith(' 4321')).length, 1, 'once');
  t.equal(told.length, 5000);
});

t.test('a wave, in several commits, is held as a whole; what is worked on looks at it first', async (t) => {
  const { changes, sql } = world(t, 40);
  sql(`DELETE FROM delegation WHERE mailbox IN (SELECT address FROM mailboxes WHERE id <= 20)`);
  await changes.look();
  t.same(held(changes, 40), [], 'twenty are allowed');
  sql(`DELETE FROM delegation WHERE mailbox = '${address(33)}'`);
  await changes.lookAt(33);
  t.equal(held(changes, 40).length, 21, 'with the one that came since');
});

t.test('a wave that ends is let go without another change', async (t) => {
  const { changes, told, sql } = world(t, 40);
  sql('DELETE FROM delegation WHERE mailbox IN (SELECT address FROM mailboxes WHERE id <= 21)');
  await changes.look();
  t.equal(changes.held.pairs, 21);
  told.length = 0;
  sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${address(21)}', 'bob')`);
  await changes.look();
  t.equal(changes.held.pairs, 0);
  const revokes = told.filter((one) => one.startsWith('revoke ')).length;
  t.equal(revokes, 20, 'all that is left of it goes');
});

t.test('what has gone goes no more, whoever looks', async (t) => {
  const { changes, state, sql } = world(t, 40);
  sql('DELETE FROM delegation');
  await changes.look();
  t.equal(changes.held.pairs, 40);
  for (let id = 1; id <= 20; id++) {
    for (const pair of await pairsOf(state, id)) await endPair(state, pair.id);
    await changes.lookAfter(id);
  }
  sql(`${touched}`);
  sql("INSERT INTO delegate (id) VALUES ('carol')");
  await changes.lookAtAll();
  t.equal(changes.held.pairs, 0, 'twenty are left, and none of them is a wave');
  const fresh = openChanges(openTable(t, freshFiles(t)), state, () => usual);
  t.match(await fresh.lookAtAll(), { standing: 20 });
});

t.test('versions that were put right are looked at anew', async (t) => {
  const { changes, told, sql } = world(t, 5);
  sql(`${touched}`);
  await changes.look();
  told.length = 0;
  sql('DROP TRIGGER counters_guard_update; UPDATE counters SET version = 3; UPDATE pending SET version = 2');
  await changes.look();
  t.equal(told.length, 5);
});
