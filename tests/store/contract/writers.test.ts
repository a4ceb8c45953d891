/**
 * Writers beside one another, on both stores: one after the other, and seen in that order.
 *
 * What bites: SQLite has one writer by itself. In PostgreSQL numbers of a sequence are given before the commit, so a lower one may become visible
 * later; two who count at the same moment both see nine; and who waits for a row goes on with what they had read. So each writer takes the row of
 * `counters` first.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { failureOf } from '../../../bridge/shared/failure.ts';
import { changeMany } from '../../../bridge/store/table/bulk-changes.ts';
import { addDelegate } from '../../../bridge/store/table/delegates.ts';
import type { DelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { listDelegations } from '../../../bridge/store/table/delegation-list.ts';
import { grant, revoke, setSuspended } from '../../../bridge/store/table/delegations.ts';
import { addMailbox, mailboxAt, setMailbox } from '../../../bridge/store/table/mailboxes.ts';
import { changedAfter, type Pending, pendingMailboxes, settle } from '../../../bridge/store/table/rows.ts';
import { freshStores } from '../fresh.ts';

const ADMIN = { actor: 'admin' };
const box = (n: number) => `m${n}@x.test`;

async function site(t: Test, mailboxes: number, delegates: number) {
  const stores = await freshStores(t);
  const { table } = stores;
  for (let n = 0; n < mailboxes; n++) await addMailbox(table, ADMIN, box(n), {});
  for (let n = 0; n < delegates; n++) await addDelegate(table, ADMIN, `d${n}`, {});
  const others = await Promise.all([1, 2, 3].map(() => stores.another()));
  return { ...stores, others };
}

t.test('thirty who grant at the same moment: ten are let in, the others are told why', async (t) => {
  const { table, others } = await site(t, 1, 30);
  const said = await Promise.all(
    Array.from({ length: 30 }, (_, n) => {
      const writer = others[n % others.length] ?? table;
      return grant(writer, ADMIN, box(0), `d${n}`).then(
        () => 'granted',
        (error: unknown) => failureOf(error).rule,
      );
    }),
  );
  t.equal(said.filter((one) => one === 'granted').length, 10);
  t.equal(said.filter((one) => one === 'MANDAT_LIMIT').length, 20);
  t.equal((await listDelegations(table)).length, 10);
});

t.test('whoever reads from where they were misses no change, however many write', async (t) => {
  const { table, others } = await site(t, 24, 1);
  const start = (await pendingMailboxes(table)).at(-1) ?? { mailboxId: 0, version: 0 };
  let writing = true;
  const seen = new Map<number, number>();
  const reading = async (reader: DelegationDb) => {
    let last: Pending = start;
    for (let over = false; !over; await nextTurn()) {
      over = !writing;
      for (const one of await changedAfter(reader, last, 5)) {
        t.ok(one.version > (seen.get(one.mailboxId) ?? 0), 'never twice the same');
        seen.set(one.mailboxId, one.version);
        last = one;
        over = false;
      }
    }
  };
  const watched = reading((await others[0]) ?? table);
  const versions = await Promise.all(
    Array.from({ length: 24 }, async (_, n) => {
      const writer = others[n % others.length] ?? table;
      await grant(writer, ADMIN, box(n), 'd0');
      await setSuspended(writer, ADMIN, box(n), 'd0', true);
      return revoke(writer, ADMIN, box(n), 'd0');
    }),
  );
  writing = false;
  await watched;
  t.equal(new Set(versions.map(({ version }) => version)).size, 24, 'each commit has a version of its own');
  for (const { mailboxId, version } of versions) t.equal(seen.get(mailboxId), version, `mailbox ${mailboxId}`);
});

t.test('what a writer has read stays so until they commit; who comes meanwhile is next', async (t) => {
  const { table, others } = await site(t, 1, 2);
  const [other = table] = others;
  const order: string[] = [];
  let second: Promise<unknown> | undefined;
  await table.write(ADMIN, async (query) => {
    const count = async () => (await query.selectFrom('delegations').select('id').execute()).length;
    t.equal(await count(), 0);
    second = grant(other, ADMIN, box(0), 'd0').then(() => order.push('second'));
    for (let looks = 0; looks < 50; looks++) t.equal(await count(), 0);
    t.same(
      await other.read((query) => query.selectFrom('delegations').select('id').execute()),
      [],
      'who reads waits for nobody',
    );
    order.push('first');
  });
  await second;
  t.same(order, ['first', 'second']);
});

t.test('who reads several tables sees them at one moment', async (t) => {
  const { table, others } = await site(t, 1, 1);
  const [other = table] = others;
  await table.read(async (query) => {
    const look = async () => [
      (await query.selectFrom('counters').select('version').executeTakeFirstOrThrow()).version,
      (await query.selectFrom('delegations').select('id').execute()).length,
    ];
    const before = await look();
    await grant(other, ADMIN, box(0), 'd0');
    t.same(await look(), before);
  });
});

t.test('one row changed by two: neither takes back what the other has said', async (t) => {
  const { table, others, sql } = await site(t, 1, 1);
  const [other = table] = others;
  await grant(table, ADMIN, box(0), 'd0');
  await Promise.all([
    setSuspended(table, ADMIN, box(0), 'd0', true),
    sql("UPDATE delegation SET note = 'noted'"),
    setMailbox(other, ADMIN, box(0), { owner: 'somebody' }),
    sql('UPDATE mailbox SET eligible = 0'),
  ]);
  t.match(await listDelegations(table), [{ suspended: true, note: 'noted' }]);
  t.match(await mailboxAt(table, box(0)), { owner: 'somebody', eligible: false });
});

t.test('work that is settled while a change comes in stays pending', async (t) => {
  const { table, others } = await site(t, 1, 1);
  const [other = table] = others;
  const { mailboxId, version } = await grant(table, ADMIN, box(0), 'd0');
  await Promise.all([revoke(other, ADMIN, box(0), 'd0'), settle(table, mailboxId, version)]);
  const [left] = await pendingMailboxes(table);
  t.ok((left?.version ?? 0) > version, 'the revoke is still to be done');
});

t.test('many at once are all or nothing, and each is tried by itself', async (t) => {
  const { table, others } = await site(t, 3, 12);
  const rows = Array.from({ length: 12 }, (_, n) => ({ line: n + 1, mailbox: box(0), delegate: `d${n}` }));
  const wrong = { line: 13, mailbox: 'nobody@x.test', delegate: 'd0' };
  const atomic = await changeMany(table, ADMIN, 'grant', [...rows, wrong], true);
  t.same(
    [atomic.saved.length, atomic.refused.map(({ failure }) => failure.rule)],
    [0, ['MANDAT_LIMIT', 'MANDAT_LIMIT', 'MANDAT_UNKNOWN_MAILBOX']],
  );
  t.same(await listDelegations(table), []);
  const [one, two] = await Promise.all([
    changeMany(table, ADMIN, 'grant', [...rows, wrong], false),
    changeMany(
      others[0] ?? table,
      ADMIN,
      'grant',
      rows.map((row) => ({ ...row, mailbox: box(1) })),
      false,
    ),
  ]);
  t.same([one.saved.length, one.refused.length, two.saved.length, two.refused.length], [10, 3, 10, 2]);
  t.equal((await listDelegations(table)).length, 20);
});
