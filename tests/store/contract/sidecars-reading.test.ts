/** What the sidecar reads and keeps, on both stores: events taken over, the guard, what waits, what is mended, a table from the past. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql as raw } from 'kysely';
import t, { type Test } from 'tap';
import { breather, countRows, countUpTo } from '../../../bridge/health/portions.ts';
import { foreignState, takeOver } from '../../../bridge/safeguards/foreign-state.ts';
import { forgetServedIntents, guard, release } from '../../../bridge/safeguards/guard.ts';
import { mendValues } from '../../../bridge/safeguards/mended-values.ts';
import { acceptRestored, tableAge, versionOf } from '../../../bridge/safeguards/table-from-the-past.ts';
import { onPostgres } from '../../../bridge/store/dialect.ts';
import { fact } from '../../../bridge/store/state/facts.ts';
import { recordVerified } from '../../../bridge/store/state/outcomes.ts';
import { waitingMailboxes } from '../../../bridge/store/state/waiting-mailboxes.ts';
import { setDelegate } from '../../../bridge/store/table/delegates.ts';
import type { DelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { revoke } from '../../../bridge/store/table/delegations.ts';
import { addMailbox } from '../../../bridge/store/table/mailboxes.ts';
import { askedAfter, pendingMailboxes, readMailbox } from '../../../bridge/store/table/rows.ts';
import { drainEvents } from '../../../bridge/store/trail/take-over-events.ts';
import { drainSubmissions } from '../../../bridge/store/trail/take-over-submissions.ts';
import { proveAudit } from '../../../bridge/store/trail/trail-proof.ts';
import { readAudit } from '../../../bridge/store/trail/trail-reading.ts';
import { entry } from '../entry.ts';
import { freshStores } from '../fresh.ts';
import { asMandat } from '../shell.ts';

const KEY = Buffer.alloc(32, 7);
const ADMIN = { actor: 'admin:marie' };
const NOW = '2026-11-23T08:00:00.000Z';
const box = (n: number) => `m${n}@x.test`;
const MAILBOXES = 4;

/** Four mailboxes, each delegated to the same ten; everything stands in the ledger. */
async function site(t: Test) {
  const stores = await freshStores(t, { key: KEY });
  const { table, state, sql } = stores;
  const names = (all: readonly string[]) => all.map((one) => `('${one}')`).join(', ');
  const mailboxes = Array.from({ length: MAILBOXES }, (_, n) => box(n + 1));
  const delegates = Array.from({ length: 10 }, (_, n) => `d${n}`);
  await sql(`INSERT INTO mailbox (address) VALUES ${names(mailboxes)}; INSERT INTO delegate (id) VALUES ${names(delegates)};
    INSERT INTO delegation (mailbox, delegate) SELECT m.address, d.id FROM mailbox m CROSS JOIN delegate d ORDER BY 1, 2`);
  for (let mailboxId = 1; mailboxId <= MAILBOXES; mailboxId++) {
    const { rows } = await readMailbox(table, mailboxId);
    const pairs = [...(rows?.delegateIds ?? [])].map(([login, delegate_id]) => ({ login, delegate_id }));
    const both = { mailbox_id: mailboxId, address: box(mailboxId), server: 'main', owner_login: box(mailboxId) };
    const granting = { phase: 'granting', since: NOW, inbox_before: null, folders_before: '[]' } as const;
    await state.query
      .insertInto('ledger')
      .values(pairs.map((pair) => ({ ...both, ...granting, ...pair })))
      .execute();
  }
  return stores;
}

const held = (report: Awaited<ReturnType<typeof guard>>) =>
  [...report.held.values()].reduce((sum, logins) => sum + logins.size, 0);

t.test('events are taken over in portions, each once, in their order, and the trail is whole', async (t) => {
  const { table, state, sql } = await site(t);
  const events = await table.query
    .selectFrom('events')
    .select(['action', 'mailbox', 'delegate'])
    .orderBy('id')
    .execute();
  let portions = 0;
  const some = await drainEvents(table, state, KEY, async () => ++portions < 1);
  t.equal(portions, 1, 'broken off behind the first one');
  t.equal(some + (await drainEvents(table, state, KEY)), 54);
  t.same(
    await state.query.selectFrom('audit').select(['action', 'mailbox', 'delegate']).orderBy('id').execute(),
    events,
  );
  t.equal((await table.query.selectFrom('events').selectAll().execute()).length, 0, 'and none is left in the table');
  await sql("UPDATE delegation SET note = 'by others' WHERE delegate = 'd0'");
  t.equal(await drainEvents(table, state, KEY), MAILBOXES);
  t.match(await proveAudit(state, KEY), { intact: true, entries: 58 });
  const last = await readAudit(state, table, { limit: 2, mailbox: box(4) }, undefined, KEY);
  t.match(
    last.map(({ action, actor, sealed }) => ({ action, actor, sealed })),
    [
      { action: 'grant', actor: 'sql', sealed: true },
      { action: 'change', actor: 'sql', sealed: true },
    ],
  );
});

t.test(
  'what the filter has noted is sealed once, and exactly that is taken away, also while others note more',
  async (t) => {
    const { state, submissions } = await freshStores(t);
    const [filter, other] = [await submissions(), await submissions()];
    const note = (n: number) => ({ kind: 'event', entry: entry(`sent-${n}`) }) as const;
    let noted = 0;
    const noting = Promise.all(
      [filter, other].map(async (store) => {
        for (let times = 0; times < 20; times++) await store.note([note(noted++), note(noted++)]);
      }),
    );
    let [sealed, over] = [0, false];
    void noting.then(() => {
      over = true;
    });
    for (; !over; await nextTurn()) sealed += await drainSubmissions(filter, state, KEY, NOW);
    sealed += await drainSubmissions(filter, state, KEY, NOW);
    t.equal(sealed, 80);
    const actions = await state.query.selectFrom('audit').select('action').execute();
    t.equal(new Set(actions.map(({ action }) => action)).size, 80, 'none twice, none lost');
    t.same(await filter.events(), []);
    t.match(await proveAudit(state, KEY), { intact: true, entries: 80 });
  },
);

t.test('a wave of disappearances is held, by whoever it was not asked for; released, it is let go', async (t) => {
  const { table, state, sql } = await site(t);
  const usual = { enabled: true, maxPairs: 20, maxPercent: 30 };
  t.same(await guard(table, state, usual), { disappearing: [], held: new Map(), standing: 40 });
  for (let n = 0; n < 5; n++) await revoke(table, ADMIN, box(1), `d${n}`);
  await sql("DELETE FROM delegation WHERE mailbox IN ('m2@x.test', 'm3@x.test')");
  t.equal(held(await guard(table, state, usual)), 0, 'twenty are few enough');
  await sql("DELETE FROM delegation WHERE mailbox = 'm4@x.test' AND delegate = 'd0'");
  const report = await guard(table, state, usual);
  t.equal(held(report), 21);
  t.equal(
    (await askedAfter(table, { at: '', mailboxId: 0, delegateId: 0 }, 9)).length,
    5,
    'the others were asked for by name',
  );
  t.equal(await release(table, report, 'admin:marie'), 21);
  t.equal(await release(table, report, 'admin:marie'), 21, 'twice is once');
  t.equal(held(await guard(table, state, usual)), 0);
  await state.query.deleteFrom('ledger').where('mailbox_id', '=', 2).execute();
  await forgetServedIntents(table, state, 2);
  t.equal((await table.query.selectFrom('intents').selectAll().where('mailbox_id', '=', 2).execute()).length, 0);
});

t.test('which mailboxes wait, and since when: by what is sealed and by what is not', async (t) => {
  const { table, state } = await site(t);
  const changedAt = async (n: number) =>
    (await readAudit(state, table, { limit: 100, mailbox: box(n) }))[0]?.at ?? 'never';
  const unsealed = await waitingMailboxes(table, state, 10);
  t.same([unsealed.count, unsealed.looked[0]], [4, { mailboxId: 1, mailbox: box(1), since: await changedAt(1) }]);
  await drainEvents(table, state, KEY);
  t.same(await waitingMailboxes(table, state, 10), unsealed, 'the same once it is sealed');
  const version = await versionOf(table);
  await recordVerified(state, { mailboxId: 2, address: box(2), version }, [], new Date().toISOString());
  const [, second] = (await waitingMailboxes(table, state, 10)).looked;
  t.match(second, { mailboxId: 2, since: null }, 'nothing since it was verified');
  await setDelegate(table, ADMIN, 'd0', { lastName: 'Petit' });
  const changed = (await waitingMailboxes(table, state, 10, [1, 2])).looked.find(({ mailboxId }) => mailboxId === 2);
  t.match(changed, { since: /^2/ }, 'a change to a delegate may concern any');
});

t.test('values that nothing could follow are put right, and a revoke works', async (t) => {
  const { table, state, sql } = await site(t);
  const [far, chosen] = ['9223372036854775807', onPostgres(table.query) ? ' OVERRIDING SYSTEM VALUE' : ''];
  const noGuard = onPostgres(table.query) ? 'events_before_insert ON events' : 'events_guard_insert';
  const sequence = onPostgres(table.query)
    ? `SELECT setval('mailboxes_id_seq', ${far})`
    : `UPDATE sqlite_sequence SET seq = ${far} WHERE name = 'mailboxes'`;
  const deeds: readonly (readonly [string, RegExp])[] = [
    [asMandat(`DELETE FROM counters; INSERT INTO counters VALUES (1, ${far})`), /version of the table .* out of range/],
    [asMandat('DELETE FROM counters'), /version of the table \(gone\)/],
    [`UPDATE pending SET version = ${far}`, /versions of pending/],
    [`INSERT INTO pending VALUES (${far}, 1, 'main')`, /versions of pending/],
    [sequence, /next ids/],
    [
      `DROP TRIGGER ${noGuard}; ${asMandat(`INSERT INTO events (id, at, actor, action)${chosen} VALUES (${far}, '${NOW}', 'sql', 'x')`)}`,
      /ids of 1 events/,
    ],
  ];
  t.same(await mendValues(table, state), []);
  for (const [n, [deed, said]] of deeds.entries()) {
    await sql(deed);
    t.match((await mendValues(table, state)).join('; '), said, deed);
    t.same(await mendValues(table, state), [], 'once');
    await revoke(table, ADMIN, box(1), `d${n}`);
    await addMailbox(table, ADMIN, `after${n}@x.test`, {});
  }
  t.ok((await pendingMailboxes(table)).every(({ version }) => version < 2 ** 40));
});

t.test('a table from the past is known by its version, and versions go on from the last', async (t) => {
  const { table, state } = await site(t);
  t.equal(await takeOver(table, state), undefined);
  t.equal(await tableAge(table, state), 'current');
  const version = await versionOf(table);
  await older(table, version - 5);
  t.equal(await tableAge(table, state), 'restored');
  t.ok((await versionOf(table)) > version);
  t.equal(await fact(state, 'drained'), '0');
  t.equal(await acceptRestored(state), true);
  t.equal(await tableAge(table, state), 'current');
  t.equal(await foreignState(table, state), undefined);
});

async function older(table: DelegationDb, version: number): Promise<void> {
  await table.write({ actor: 'mandat' }, async (query) => {
    await query.deleteFrom('counters').execute();
    await query.insertInto('counters').values({ id: 1, version }).execute();
  });
}

t.test('what is counted for the metrics', async (t) => {
  const { table, state } = await site(t);
  t.equal(await countRows(table.query, 'delegations', 'id', breather()), 40);
  t.equal(await countUpTo(state.query, raw`SELECT 1 FROM ledger WHERE phase = 'granting'`), 40);
});
