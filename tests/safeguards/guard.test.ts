import t, { type Test } from 'tap';
import type { GuardSettings } from '../../acl/guard.ts';
import { forgetServedIntents, guard, release } from '../../bridge/safeguards/guard.ts';
import { beginGrant, endPair, setPhase } from '../../bridge/store/state/ledger.ts';
import { pairsOf } from '../../bridge/store/state/ledger-pairs.ts';
import type { StateDb } from '../../bridge/store/state/state-db.ts';
import type { DelegationDb } from '../../bridge/store/table/delegation-db.ts';
import { grant, revoke } from '../../bridge/store/table/delegations.ts';
import { removeMailbox } from '../../bridge/store/table/mailboxes.ts';
import { readMailbox } from '../../bridge/store/table/rows.ts';
import { freshFiles, openState, openTable } from '../store/fresh.ts';
import { rows } from '../store/shell.ts';

const ADMIN = { actor: 'admin' };
const NOW = '2026-11-23T08:00:00.000Z';
const usual: GuardSettings = { enabled: true, maxPairs: 20, maxPercent: 30 };
const MAILBOXES = 4;
const DELEGATES = 10;

const address = (m: number) => `m${m}@example.org`;

/** Four mailboxes with ten delegates each, all of them in the ledger: 40 pairs, of which 21 are more than 20 and 30 percent. */
async function world(t: Test): Promise<{ table: DelegationDb; state: StateDb; sql: (statement: string) => void }> {
  const files = freshFiles(t);
  rows(
    files.delegations,
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MAILBOXES})
      INSERT INTO mailbox (address) SELECT 'm' || i || '@example.org' FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${DELEGATES})
      INSERT INTO delegate (id) SELECT 'd' || i FROM n;
    INSERT INTO delegation (mailbox, delegate) SELECT m.address, d.id FROM mailbox m, delegate d;`,
  );
  const [table, state] = [openTable(t, files), openState(t, files)];
  for (let mailboxId = 1; mailboxId <= MAILBOXES; mailboxId++) {
    const { rows: read } = await readMailbox(table, mailboxId);
    for (const [login, delegateId] of read?.delegateIds ?? []) {
      await beginGrant(
        state,
        {
          mailboxId,
          delegateId,
          address: address(mailboxId),
          server: 'main',
          ownerLogin: address(mailboxId),
          login,
          inboxBefore: undefined,
          foldersBefore: [],
          given: [],
        },
        NOW,
      );
    }
  }
  return { table, state, sql: (statement) => void rows(files.delegations, statement) };
}

/** Deletes so many delegations as another program would. */
const vanish = (n: number) =>
  `DELETE FROM delegation WHERE (mailbox, delegate) IN (SELECT mailbox, delegate FROM delegation ORDER BY 1, 2 LIMIT ${n})`;

const held = async (world: { table: DelegationDb; state: StateDb }, settings = usual) => {
  const report = await guard(world.table, world.state, settings);
  return [...report.held.values()].reduce((sum, logins) => sum + logins.size, 0);
};

t.test('nothing disappears', async (t) => {
  const { table, state } = await world(t);
  t.same(await guard(table, state, usual), { disappearing: [], held: new Map(), standing: 40 });
});

t.test('a wave of deletions by another program', async (t) => {
  /** how many vanish, settings, how many are held, why */
  const table: readonly (readonly [number, GuardSettings, number, string])[] = [
    [1, usual, 0, 'one'],
    [20, usual, 0, 'as many as are allowed'],
    [21, usual, 21, 'one more: all of them are held'],
    [40, usual, 40, 'an empty table'],
    [40, { ...usual, enabled: false }, 0, 'switched off'],
    [21, { ...usual, maxPercent: 60 }, 0, 'more than 20, but 52.5 percent'],
    [24, { ...usual, maxPercent: 60 }, 0, 'exactly 60 percent'],
    [25, { ...usual, maxPercent: 60 }, 25, 'and more'],
  ];
  for (const [count, settings, expected, why] of table) {
    await t.test(`${count}: ${why}`, async (t) => {
      const w = await world(t);
      w.sql(vanish(count));
      const report = await guard(w.table, w.state, settings);
      t.equal(report.disappearing.length, count, 'they are known, held or not');
      t.notOk(report.disappearing.some(({ intended }) => intended));
      t.equal(await held(w, settings), expected);
    });
  }
});

t.test('what is held is told by mailbox and login', async (t) => {
  const w = await world(t);
  w.sql('DELETE FROM delegation WHERE mailbox IN (SELECT address FROM mailbox LIMIT 2)');
  w.sql("DELETE FROM delegation WHERE delegate = 'd7'");
  const all = new Set(Array.from({ length: DELEGATES }, (_, i) => `d${i + 1}`));
  t.same(
    (await guard(w.table, w.state, usual)).held,
    new Map([
      [1, all],
      [2, all],
      [3, new Set(['d7'])],
      [4, new Set(['d7'])],
    ]),
  );
});

t.test('a mailbox or a delegate that vanishes is a disappearance like any other', async (t) => {
  for (const statement of ['DELETE FROM mailbox', 'DELETE FROM delegate']) {
    const w = await world(t);
    w.sql(statement);
    t.equal(await held(w), 40, statement);
  }
});

t.test('whoever is asked for by name is never held, nor counted', async (t) => {
  const w = await world(t);
  w.sql(vanish(20));
  await revoke(w.table, ADMIN, address(4), 'd10');
  await revoke(w.table, ADMIN, address(4), 'd9');
  const report = await guard(w.table, w.state, usual);
  t.same(report.held, new Map(), 'twenty are not twenty-one');
  t.equal(report.disappearing.length, 22);
  t.same(
    report.disappearing.filter(({ intended }) => intended).map(({ mailboxId, login }) => [mailboxId, login]),
    [
      [4, 'd10'],
      [4, 'd9'],
    ],
  );
  w.sql(vanish(1));
  const wave = await guard(w.table, w.state, usual);
  t.notOk(wave.held.has(4), 'in a wave that is held they still go');
  t.ok(wave.held.has(1));
});

t.test('a whole mailbox removed at the command line is asked for by name', async (t) => {
  const w = await world(t);
  for (const m of [1, 2, 3]) await removeMailbox(w.table, ADMIN, address(m));
  const { disappearing, held: nobody } = await guard(w.table, w.state, usual);
  t.equal(disappearing.length, 30);
  t.ok(disappearing.every(({ intended }) => intended));
  t.equal(nobody.size, 0);
});

t.test('an end, a lapse, a suspension is no disappearance', async (t) => {
  const w = await world(t);
  w.sql(
    "UPDATE delegation SET ends_at = '2020-01-01T00:00:00.000Z', suspended = 1; UPDATE delegate SET state = 'suspended'; UPDATE mailbox SET eligible = 0",
  );
  t.same((await guard(w.table, w.state, usual)).disappearing, []);
});

t.test('what is on its way out already is let go', async (t) => {
  const w = await world(t);
  w.sql(vanish(40));
  const ids = (await pairsOf(w.state, 1)).map(({ id }) => id);
  await setPhase(w.state, ids, 'revoking', NOW);
  const report = await guard(w.table, w.state, usual);
  t.notOk(report.held.has(1), 'a pass had begun with it');
  t.equal(await held(w), 30);
  for (const m of [2, 3]) {
    await setPhase(
      w.state,
      (await pairsOf(w.state, m)).map(({ id }) => id),
      'revoking',
      NOW,
    );
  }
  t.equal(await held(w), 0, 'the rest is no wave any more');
});

t.test('rows that come back are held no longer', async (t) => {
  const w = await world(t);
  w.sql(vanish(40));
  t.equal(await held(w), 40);
  w.sql(
    "INSERT INTO delegation (mailbox, delegate) SELECT m.address, d.id FROM mailbox m, delegate d WHERE d.id <> 'd1'",
  );
  const report = await guard(w.table, w.state, usual);
  t.equal(report.held.size, 0, 'the accident is mended');
  t.same(
    report.disappearing.map(({ login }) => login),
    ['d1', 'd1', 'd1', 'd1'],
  );
});

t.test('a delegation that came back under another id is another one', async (t) => {
  const w = await world(t);
  w.sql("DELETE FROM delegate WHERE id = 'd1'; INSERT INTO delegate (id) VALUES ('d1')");
  w.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${address(1)}', 'd1')`);
  const { disappearing } = await guard(w.table, w.state, usual);
  t.ok(
    disappearing.some(({ mailboxId, login }) => mailboxId === 1 && login === 'd1'),
    'the old pair goes',
  );
});

t.test('sync --force lets go what is held, and nothing that comes later', async (t) => {
  const w = await world(t);
  w.sql(vanish(21));
  const report = await guard(w.table, w.state, usual);
  t.equal(await release(w.table, report, 'admin'), 21);
  t.equal(await release(w.table, report, 'admin'), 21, 'asking twice does no harm');
  const after = await guard(w.table, w.state, usual);
  t.equal(after.held.size, 0);
  t.ok(after.disappearing.every(({ intended }) => intended));
  for (const { mailboxId, login } of after.disappearing) {
    const pair = (await pairsOf(w.state, mailboxId)).find((stored) => stored.login === login);
    await endPair(w.state, pair?.id ?? 0);
  }
  w.sql('DELETE FROM delegation');
  t.equal(await held(w, { ...usual, maxPairs: 18 }), 19, 'another wave is another question');
});

t.test('an intent is kept while its pair stands, and forgotten when it has served', async (t) => {
  const { table, state } = await world(t);
  const intents = async () =>
    (
      await table.query.selectFrom('intents').select(['mailbox_id', 'delegate_id']).orderBy('delegate_id').execute()
    ).map((row) => `${row.mailbox_id}/${row.delegate_id}`);
  for (const delegate of ['d1', 'd2']) await revoke(table, ADMIN, address(1), delegate);
  await revoke(table, ADMIN, address(2), 'd1');
  const before = await intents();
  t.equal(before.length, 3);
  await forgetServedIntents(table, state, 1);
  t.same(await intents(), before, 'their pairs are still there');
  const pair = (await pairsOf(state, 1)).find(({ login }) => login === 'd1');
  await endPair(state, pair?.id ?? 0);
  await forgetServedIntents(table, state, 1);
  t.same(await intents(), [`2/${pair?.delegateId}`, `1/${(pair?.delegateId ?? 0) + 1}`], 'one has served');
});

t.test('an intent that has served covers no later deletion', async (t) => {
  const w = await world(t);
  await revoke(w.table, ADMIN, address(1), 'd1');
  await grant(w.table, ADMIN, address(1), 'd1');
  w.sql(vanish(40));
  t.equal(await held(w), 40, 'a new grant took it back');
});
