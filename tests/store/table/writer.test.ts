/** Who writes, and why: known inside a transaction of ours, to nobody else. */
import t from 'tap';
import { addDelegate } from '../../../bridge/store/table/delegates.ts';
import type { DelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { listDelegations } from '../../../bridge/store/table/delegation-list.ts';
import { grant, revoke } from '../../../bridge/store/table/delegations.ts';
import { addMailbox, removeMailbox } from '../../../bridge/store/table/mailboxes.ts';
import { failure } from '../failures.ts';
import { freshStores } from '../fresh.ts';

const ALICE = 'alice@example.org';
const ADMIN = { actor: 'admin' };

async function aliceAndBob(table: DelegationDb): Promise<void> {
  await addMailbox(table, ADMIN, ALICE, {});
  for (const name of ['bob', 'carol']) await addDelegate(table, ADMIN, name, {});
}

t.test('a write says who and why, in the row and in the events', async (t) => {
  const { table, sql } = await freshStores(t);
  await aliceAndBob(table);
  await grant(table, { actor: 'dr.who', reason: "ticket 4711; 'quoted'" }, ALICE, 'bob');
  await revoke(table, { actor: 'admin' }, ALICE, 'bob');
  t.same(await sql("SELECT actor, reason, action FROM events WHERE action IN ('grant', 'revoke')"), [
    "dr.who|ticket 4711; 'quoted'|grant",
    'admin||revoke',
  ]);
  await grant(table, { actor: 'dr.who' }, ALICE, 'bob');
  t.equal((await listDelegations(table))[0]?.createdBy, 'dr.who');
});

t.test('whoever writes afterwards is not taken for them', async (t) => {
  const { table, sql } = await freshStores(t);
  await aliceAndBob(table);
  await grant(table, { actor: 'dr.who', reason: 'why' }, ALICE, 'bob');
  await sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${ALICE}', 'carol')`);
  t.same(await sql("SELECT created_by FROM delegation WHERE delegate = 'carol'"), ['sql']);
  t.same(await sql('SELECT actor, reason FROM events ORDER BY id DESC LIMIT 1'), ['sql|']);
});

t.test('nobody else ever sees who is writing', async (t) => {
  const { table, sql } = await freshStores(t);
  await aliceAndBob(table);
  const seen = () => sql('SELECT * FROM writer');
  await table.write({ actor: 'dr.who' }, async (query) => {
    await query
      .updateTable('counters')
      .set(({ eb }) => ({ version: eb('version', '+', 1) }))
      .execute();
    t.same(await seen(), [], 'in the middle of their transaction');
    t.equal(
      (await query.selectFrom('writer').select('actor').executeTakeFirst())?.actor,
      'dr.who',
      'though they are there',
    );
  });
  t.same(await seen(), [], 'after it');
  t.equal(await table.query.selectFrom('writer').selectAll().executeTakeFirst(), undefined, 'not even we');
});

t.test('a write that fails leaves nothing: no row, no event, nothing to do, no writer', async (t) => {
  const { table, sql } = await freshStores(t);
  await aliceAndBob(table);
  const everything = () =>
    sql(
      'SELECT * FROM delegations; SELECT * FROM events; SELECT * FROM pending; SELECT * FROM counters; SELECT * FROM writer; SELECT * FROM intents',
    );
  const before = await everything();
  const insert = (query: Parameters<Parameters<DelegationDb['write']>[1]>[0], delegate: string) =>
    query
      .insertInto('delegation')
      .values({
        mailbox: ALICE,
        delegate,
        created_at: null,
        created_by: null,
        starts_at: null,
        ends_at: null,
        note: null,
        suspended: null,
      })
      .execute();
  const refusal = await failure(() =>
    table.write(ADMIN, async (query) => {
      await insert(query, 'bob');
      await insert(query, 'nobody');
    }),
  );
  t.equal(refusal.rule, 'MANDAT_UNKNOWN_DELEGATE', 'refused half-way by the database');
  t.same(await everything(), before);

  const defect = new Error('a defect');
  await t.rejects(
    table.write(ADMIN, async (query) => {
      await insert(query, 'bob');
      throw defect;
    }),
    defect,
    'or by whoever writes, whose own error comes out',
  );
  t.same(await everything(), before);
  await grant(table, ADMIN, ALICE, 'bob');
  t.equal((await listDelegations(table)).length, 1, 'and the next write is as good as ever');
});

t.test('writes that are asked for at the same time are made one after the other', async (t) => {
  const { table, sql } = await freshStores(t);
  await aliceAndBob(table);
  const writers = ['one', 'two', 'three'];
  for (const name of writers) await addDelegate(table, ADMIN, name, {});
  await Promise.all(writers.map((actor) => grant(table, { actor }, ALICE, actor)));
  t.same(
    await sql('SELECT delegate, created_by FROM delegation ORDER BY 1'),
    ['one|one', 'three|three', 'two|two'],
    'each under their own name',
  );
});

t.test('a revoke that somebody asked for by name leaves an intent, in its own transaction', async (t) => {
  const { table, sql } = await freshStores(t);
  await aliceAndBob(table);
  const intents = () => sql('SELECT mailbox_id, delegate_id FROM intents ORDER BY 2');
  await grant(table, ADMIN, ALICE, 'bob');
  await grant(table, ADMIN, ALICE, 'carol');
  await revoke(table, ADMIN, ALICE, 'bob');
  const [pair] = await sql("SELECT m.id, d.id FROM mailboxes m, delegates d WHERE d.identifier = 'bob'");
  t.same(await intents(), [pair]);
  await grant(table, ADMIN, ALICE, 'bob');
  t.same(await intents(), [], 'which a new grant takes back');
  await removeMailbox(table, ADMIN, ALICE);
  t.equal((await intents()).length, 2, 'removing a mailbox is asking for all of them');
});
