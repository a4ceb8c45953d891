/**
 * Values as they are kept and compared, on both stores.
 *
 * What bites: PostgreSQL sorts text by the database's language unless a column says COLLATE "C", reads bigint as text unless it is told otherwise,
 * has true and false where SQLite has 1 and 0, has a type for instants that would not come back as they were written, and no U+0000 in text.
 */
import { sql } from 'kysely';
import t from 'tap';
import { onPostgres } from '../../../bridge/store/dialect.ts';
import {
  addDelegate,
  credentialsOf,
  identifiersOf,
  listDelegates,
  peopleCalled,
} from '../../../bridge/store/table/delegates.ts';
import type { DelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { listDelegations } from '../../../bridge/store/table/delegation-list.ts';
import { grant } from '../../../bridge/store/table/delegations.ts';
import { listDomains } from '../../../bridge/store/table/domains.ts';
import { dueBetween } from '../../../bridge/store/table/due-times.ts';
import { addMailbox, listMailboxes, mailboxAt } from '../../../bridge/store/table/mailboxes.ts';
import { changedAfter, markPending, pendingMailboxes, readMailbox, settle } from '../../../bridge/store/table/rows.ts';
import { failure } from '../failures.ts';
import { freshStores, freshTable } from '../fresh.ts';

const ADMIN = { actor: 'admin' };
const ALICE = 'alice@x.test';
/** Beyond what 32 bits hold. */
const FAR = 2 ** 33;
const LARGEST = 2 ** 52;

/** A mailbox with an id that is chosen, as a copy of a table brings it along. */
async function withId(table: DelegationDb, id: number, address: string): Promise<void> {
  const chosen = sql.raw(onPostgres(table.query) ? 'OVERRIDING SYSTEM VALUE' : '');
  await sql`INSERT INTO mailboxes (id, address, login, kind, eligible, server) ${chosen}
    VALUES (${id}, ${address}, ${address}, 'PER', 1, 'main')`.execute(table.query);
}

t.test('ids and versions of 64 bits', async (t) => {
  const table = await freshTable(t);
  await withId(table, FAR, ALICE);
  await addMailbox(table, ADMIN, 'next@x.test', {});
  t.equal((await mailboxAt(table, 'next@x.test')).id, FAR + 1, 'the next one comes after it');
  await table.write(ADMIN, async (query) => {
    await query.deleteFrom('counters').execute();
    await query.insertInto('counters').values({ id: 1, version: FAR }).execute();
  });
  await addDelegate(table, ADMIN, 'bob', {});
  t.same(await grant(table, ADMIN, ALICE, 'bob'), { mailboxId: FAR, version: FAR + 1 });
  t.match(await readMailbox(table, FAR), { id: FAR, version: FAR + 1, rows: { address: ALICE } });
  t.same(
    (await pendingMailboxes(table, FAR)).map(({ mailboxId }) => mailboxId),
    [FAR],
  );
  const asked = await markPending(table, [FAR, FAR + 1, FAR], 'admin');
  t.same(await changedAfter(table, { version: FAR + 1, mailboxId: FAR }, 9), [
    { mailboxId: FAR, version: asked },
    { mailboxId: FAR + 1, version: asked },
  ]);
  await settle(table, FAR, asked);
  t.same(await pendingMailboxes(table), [{ mailboxId: FAR + 1, version: asked }]);
  await t.rejects(withId(table, LARGEST + 1, 'beyond@x.test'), /^MANDAT_IMMUTABLE|: MANDAT_IMMUTABLE/);
  await withId(table, LARGEST, 'last@x.test');
  t.equal((await mailboxAt(table, 'last@x.test')).id, LARGEST);
});

t.test('text is sorted by its octets, whatever language the database has', async (t) => {
  const table = await freshTable(t);
  const names = ['zoe', 'a-b', 'a.b', 'a_b', 'ab', 'a+b', 'a0', 'a', 'aa', '0a'];
  for (const name of names) {
    await addMailbox(table, ADMIN, `${name}@${name.replaceAll(/[_+]/g, '-')}.test`, {});
    await addDelegate(table, ADMIN, name, {});
  }
  const sorted = (list: readonly string[]) => [...list].sort();
  const addresses = (await listMailboxes(table)).map(({ address }) => address);
  t.same(addresses, sorted(addresses));
  t.same(
    (await listDelegates(table)).map(({ identifier }) => identifier),
    sorted(names),
  );
  for (const name of names) await grant(table, ADMIN, 'a0@a0.test', name).catch(() => {});
  const delegates = (await listDelegations(table, { mailbox: 'a0@a0.test' })).map(
    ({ delegate }) => delegate.identifier,
  );
  t.same(delegates, sorted(delegates));
  const domains = (await listDomains(table)).map(({ domain }) => domain);
  t.same(domains, sorted(domains));
  const { rows } = await sql<{ n: number }>`SELECT count(*) AS n FROM mailboxes WHERE address < 'a.b'`.execute(
    table.query,
  );
  t.equal(rows[0]?.n, addresses.filter((one) => one < 'a.b').length, 'and compared so');
});

t.test('times are text in one form, and compared to the millisecond', async (t) => {
  const { table } = await freshStores(t);
  await addMailbox(table, ADMIN, ALICE, {});
  const at = (ms: string) => `2026-11-23T08:00:00.${ms}Z`;
  await addDelegate(table, ADMIN, 'bob', { credentialValidUntil: '9999-12-31T23:59:59.999Z' });
  await addDelegate(table, ADMIN, 'carol', {});
  await grant(table, ADMIN, ALICE, 'bob', { startsAt: at('001'), endsAt: at('002') });
  await grant(table, ADMIN, ALICE, 'carol', { startsAt: at('999') });
  const due = async (after: string, upTo: string) => {
    let count = 0;
    for await (const ids of dueBetween(table, after, upTo)) count += ids.length;
    return count;
  };
  t.same(
    [await due(at('000'), at('001')), await due(at('001'), at('002')), await due(at('002'), at('998'))],
    [1, 1, 0],
  );
  const [one] = await listDelegations(table, { delegate: 'bob' });
  t.match(one, { startsAt: at('001'), endsAt: at('002'), createdAt: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ });
  const drift = Math.abs(Date.now() - Date.parse(one?.createdAt ?? ''));
  t.ok(drift < 60_000, 'in UTC');
});

t.test('truth is 1 and 0 in the table, and true and false here', async (t) => {
  const table = await freshTable(t);
  await addMailbox(table, ADMIN, ALICE, { eligible: false });
  t.equal((await mailboxAt(table, ALICE)).eligible, false);
  const { rows } =
    await sql`SELECT eligible, EXISTS (SELECT 1 FROM mailboxes) AS some_there, 1 = 2 AS never FROM mailboxes`.execute(
      table.query,
    );
  t.same(rows, [{ eligible: 0, some_there: 1, never: 0 }]);
});

t.test('lists of any length, and empty ones', async (t) => {
  const table = await freshTable(t);
  await addDelegate(table, ADMIN, 'bob', { login: 'bob@x.test', firstName: 'Bob' });
  const many = [...Array.from({ length: 70_000 }, (_, n) => `n${n}`), 'bob', "o'b", '{"}', 'bob@x.test'];
  t.same(
    [...(await identifiersOf(table, many))],
    [
      ['bob', 'bob'],
      ['bob@x.test', 'bob'],
    ],
  );
  t.same([...(await peopleCalled(table, many)).keys()], ['bob']);
  t.same([...(await credentialsOf(table, many))], [['bob', null]]);
  t.same((await identifiersOf(table, [])).size, 0);
  const none = await table.query.selectFrom('delegates').select('id').where('identifier', 'in', []).execute();
  t.same(none, []);
});

t.test('a name with U+0000 in it is nobody, and no row gets one', async (t) => {
  const table = await freshTable(t);
  await addMailbox(table, ADMIN, ALICE, {});
  await addDelegate(table, ADMIN, 'bob', {});
  t.same((await identifiersOf(table, ['bob\0', 'b\0ob', '\0bob'])).size, 0);
  t.equal((await failure(() => mailboxAt(table, `${ALICE}\0`))).code, 'absent');
  t.equal((await failure(() => addMailbox(table, ADMIN, 'n@x.test\0', {}))).rule, 'MANDAT_ADDRESS');
  t.equal((await failure(() => addDelegate(table, ADMIN, 'n\0', {}))).rule, 'MANDAT_IDENTIFIER');
  await grant(table, ADMIN, ALICE, 'bob', { note: 'a\0b' });
  const [one] = await listDelegations(table);
  t.equal(
    one?.note,
    onPostgres(table.query) ? 'a\uFFFDb' : 'a\0b',
    'a note may hold it; PostgreSQL shows that it was there',
  );
});
