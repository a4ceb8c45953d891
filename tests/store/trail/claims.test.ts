/** What the trail believes of a table that others write: our own commands, rows that were seen to change, and nothing else. */

import type { Test } from 'tap';
import t from 'tap';
import { mendValues } from '../../../bridge/safeguards/mended-values.ts';
import { onPostgres } from '../../../bridge/store/dialect.ts';
import { fact } from '../../../bridge/store/state/facts.ts';
import { addDelegate } from '../../../bridge/store/table/delegates.ts';
import { grant, revoke, setSuspended } from '../../../bridge/store/table/delegations.ts';
import { lastActor } from '../../../bridge/store/table/last-actor.ts';
import { addMailbox } from '../../../bridge/store/table/mailboxes.ts';
import { isVouched } from '../../../bridge/store/table/vouched-events.ts';
import { BY_NOBODY_KNOWN, compareRows } from '../../../bridge/store/trail/compare-rows.ts';
import { drainEvents } from '../../../bridge/store/trail/take-over-events.ts';
import { proveAudit } from '../../../bridge/store/trail/trail-proof.ts';
import { readAudit, standingAt } from '../../../bridge/store/trail/trail-reading.ts';
import { freshStores } from '../fresh.ts';
import { asMandat } from '../shell.ts';

const KEY = Buffer.alloc(32, 7);
const ALICE = 'alice@claims.test';
const ADMIN = { actor: 'admin:marie' };
const LATE = '2999-01-01T00:00:00.000Z';
const AT = '2026-01-01T00:00:00.000Z';
const SQL_GRANT = `INSERT INTO delegation (mailbox, delegate) VALUES ('${ALICE}', 'bob')`;
const forged = (action: string, detail = "'{}'", actor = 'owner:alice') =>
  asMandat(
    `INSERT INTO events (at, actor, action, mailbox, delegate, detail) VALUES ('${AT}', '${actor}', '${action}', '${ALICE}', 'bob', ${detail})`,
  );

async function world(t: Test) {
  const { table, state, sql } = await freshStores(t, { key: KEY });
  await addMailbox(table, ADMIN, ALICE, {});
  await addDelegate(table, ADMIN, 'bob', {});
  const taken = async () => {
    await drainEvents(table, state, KEY);
    t.equal(await compareRows(table, state, KEY, [1], AT), true, 'nothing waits');
  };
  await taken();
  const begin = (await readAudit(state, table, { limit: 1000 })).length;
  return {
    table,
    state,
    taken,
    sql,
    /** What has been added since: action, actor, claimed. */
    trail: async () =>
      (await readAudit(state, table, { limit: 1000 }, undefined, KEY))
        .slice(begin)
        .map(({ action, actor, claimed = null }) => [action, actor, claimed]),
    delegated: async () => (await standingAt(state, table, LATE, KEY))[ALICE]?.bob?.delegated ?? null,
    intact: async () => (await proveAudit(state, KEY)).intact,
  };
}

t.test("mandat's own commands are vouched for, before and after they are taken over", async (t) => {
  const { table, taken, trail, delegated, intact } = await world(t);
  await grant(table, ADMIN, ALICE, 'bob');
  t.same(await trail(), [['grant', 'admin:marie', null]]);
  t.ok(await delegated());
  await setSuspended(table, ADMIN, ALICE, 'bob', true);
  await revoke(table, ADMIN, ALICE, 'bob');
  await grant(table, ADMIN, ALICE, 'bob');
  await taken();
  t.same(await trail(), [
    ['grant', 'admin:marie', null],
    ['change', 'admin:marie', null],
    ['revoke', 'admin:marie', null],
    ['grant', 'admin:marie', null],
  ]);
  t.ok(await intact());
});

t.test("another program's row: that it changed was seen, by whom is a claim", async (t) => {
  const { sql, taken, trail, delegated, intact } = await world(t);
  await sql(SQL_GRANT);
  t.same(await trail(), [['grant', 'sql', 'event']], 'before anybody has looked');
  await taken();
  await sql('UPDATE delegation SET suspended = 1');
  await taken();
  t.ok(await delegated());
  await sql(`DELETE FROM delegation; ${SQL_GRANT}; DELETE FROM delegation`);
  await taken();
  t.same((await trail()).slice(0, 3), [
    ['grant', 'sql', 'actor'],
    ['change', 'sql', 'actor'],
    ['revoke', 'sql', 'actor'],
  ]);
  t.equal(await delegated(), null);
  t.ok(await intact());
});

t.test('events without a row: claims, which nobody who asks who had what is told as true', async (t) => {
  const { table, sql, taken, trail, delegated } = await world(t);
  await sql(forged('grant'));
  await sql(forged('in-force', "'{}'", 'mandat'));
  await taken();
  t.same(await trail(), [
    ['grant', 'owner:alice', 'event'],
    ['in-force', 'mandat', 'event'],
  ]);
  t.equal(await delegated(), null);
  await grant(table, ADMIN, ALICE, 'bob');
  await sql(forged('revoke'));
  await sql(
    asMandat(
      `INSERT INTO events (at, actor, action, mailbox, detail) VALUES ('${AT}', 'admin:marie', 'mailbox-set', 'other@claims.test', '{"address":"${ALICE}"}')`,
    ),
  );
  await taken();
  t.ok(await delegated(), 'neither a revoke nor a rename that never was');
});

t.test('a MAC is worth nothing a second time, or on another event', async (t) => {
  const { table, sql, taken, trail, delegated } = await world(t);
  await grant(table, ADMIN, ALICE, 'bob');
  const again = 'at, actor, reason, action, mailbox, delegate, detail, on_behalf, via, mac';
  await sql(`CREATE TABLE kept AS SELECT ${again} FROM events`);
  await taken();
  await revoke(table, ADMIN, ALICE, 'bob');
  await taken();
  await sql(asMandat(`INSERT INTO events (${again}) SELECT ${again} FROM kept`));
  await taken();
  t.same((await trail()).at(-1), ['grant', 'admin:marie', 'event']);
  t.equal(await delegated(), null);
});

t.test('a row without its event: by nobody knows whom', async (t) => {
  const { table, state, sql, taken, trail, delegated, intact } = await world(t);
  await sql(`${SQL_GRANT}; ${asMandat('DELETE FROM events')}`);
  await taken();
  t.ok(await delegated());
  await sql(`UPDATE delegation SET ends_at = '2999-01-01T00:00:00.000Z'; ${asMandat('DELETE FROM events')}`);
  await taken();
  await sql(`DELETE FROM delegation; ${asMandat('DELETE FROM events')}`);
  await taken();
  t.same(await trail(), [
    ['grant', 'unknown', null],
    ['change', 'unknown', null],
    ['revoke', 'unknown', null],
  ]);
  t.equal((await readAudit(state, table, { limit: 1 }))[0]?.reason, BY_NOBODY_KNOWN);
  t.equal(await delegated(), null);
  await sql(SQL_GRANT);
  await taken();
  await sql(`DELETE FROM delegation; ${SQL_GRANT}; ${asMandat('DELETE FROM events')}`);
  await taken();
  t.same(
    (await trail()).slice(-2),
    [
      ['revoke', 'unknown', null],
      ['grant', 'unknown', null],
    ],
    'also where another has come in its place',
  );
  await taken();
  t.equal((await trail()).length, 6, 'once');
  t.ok(await intact());
});

t.test('names that change in between', async (t) => {
  const { table, sql, taken, trail, state } = await world(t);
  await sql(`${SQL_GRANT}; UPDATE mailbox SET address = 'other@claims.test'`);
  await taken();
  await sql("UPDATE mailbox SET address = 'third@claims.test'; DELETE FROM delegation");
  await taken();
  t.same(
    (await trail()).filter(([, actor]) => actor === 'unknown'),
    [],
    'no row came or went without an event',
  );
  t.same(Object.keys(await standingAt(state, table, LATE, KEY)), []);
});

t.test('an event that is no JSON, and one that is mended, are still claims', async (t) => {
  const { table, state, sql, taken, trail } = await world(t);
  const [guard, chosen] = onPostgres(table.query)
    ? ['events_before_insert ON events', ' OVERRIDING SYSTEM VALUE']
    : ['events_guard_insert', ''];
  await sql(`DROP TRIGGER ${guard}`);
  await sql(forged('grant', "'no JSON'"));
  await sql(
    asMandat(
      `INSERT INTO events (id, at, actor, action)${chosen} VALUES (9007199254740993, '${AT}', 'mandat', 'in-force')`,
    ),
  );
  await mendValues(table, state);
  await taken();
  t.same(await trail(), [
    ['grant', 'owner:alice', 'event'],
    ['in-force', 'mandat', 'event'],
  ]);
});

t.test('a trail that is older than this: what stands in the table is where it begins', async (t) => {
  const { state, sql, taken, trail } = await world(t);
  await sql(SQL_GRANT);
  await taken();
  await state.query.deleteFrom('rows_seen').execute();
  await state.query.deleteFrom('facts').where('name', '=', 'rows-seen').execute();
  const before = await trail();
  await taken();
  t.same(await trail(), before, 'nothing has come');
  t.equal(await fact(state, 'rows-seen'), 'yes');
  await sql(`DELETE FROM delegation; ${asMandat('DELETE FROM events')}`);
  await taken();
  t.same((await trail()).at(-1), ['revoke', 'unknown', null]);
});

t.test('who is named to people: a name that nobody vouches for says so', async (t) => {
  const { table, state, sql, taken } = await world(t);
  const deed = [{ action: 'grant', mailbox: ALICE, delegate: 'bob' }];
  const who = () => lastActor(table, state, deed, (event) => isVouched(KEY, event));
  await grant(table, ADMIN, ALICE, 'bob');
  t.same(await who(), { actor: 'admin:marie', claimed: false });
  await taken();
  t.same(await who(), { actor: 'admin:marie', claimed: false });
  await sql(forged('grant'));
  t.same(await who(), { actor: 'owner:alice', claimed: true });
  await taken();
  t.same(await who(), { actor: 'owner:alice', claimed: true });
});
