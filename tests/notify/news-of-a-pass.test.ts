/** What is written into the outbox when an outcome is recorded, on the real databases, without a server. R9, R24, A4. */
import t, { type Test } from 'tap';
import { desired, type Policy } from '../../acl/desired.ts';
import { canonical } from '../../acl/rights.ts';
import { telling } from '../../bridge/notify/news-of-a-pass.ts';
import type { NoticeRules } from '../../bridge/notify/notice-rules.ts';
import type { Pass } from '../../bridge/reconcile/pass.ts';
import { ownerContact, setOwnerContact } from '../../bridge/store/state/contacts.ts';
import { beginTelling } from '../../bridge/store/state/last-notified.ts';
import { listNotices } from '../../bridge/store/state/outbox.ts';
import type { StateDb } from '../../bridge/store/state/state-db.ts';
import { addDelegate, setDelegate } from '../../bridge/store/table/delegates.ts';
import type { DelegationDb } from '../../bridge/store/table/delegation-db.ts';
import { grant, revoke, setSuspended } from '../../bridge/store/table/delegations.ts';
import { addMailbox, mailboxAt, removeMailbox } from '../../bridge/store/table/mailboxes.ts';
import { readMailbox } from '../../bridge/store/table/rows.ts';
import { freshFiles, openState, openTable } from '../store/fresh.ts';

const ALICE = 'alice@example.org';
const ADMIN = { actor: 'admin:root' };
const OWNER = { actor: 'owner:899700245667' };
const RULES: NoticeRules = { language: 'fr', others: 'short', endingDays: 14, domain: 'example.org' };
const POLICY: Policy = { rights: canonical('lrs'), rules: { unknownCredential: 'valid', terms: null } };
const day = (n: number) => `2026-12-${String(n).padStart(2, '0')}T08:00:00.000Z`;

interface World {
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly alice: number;
  /** One outcome recorded at that time. Returns what was written: `kind part recipient` of each. */
  outcome(
    now: string,
    how?: Partial<Pick<Pass, 'held' | 'mayGive'>> & { rules?: Partial<NoticeRules> | null },
  ): Promise<string[]>;
}

/** bob has a contact address, carol a mailbox of her own, dave nothing that is known. */
async function world(t: Test): Promise<World> {
  const files = freshFiles(t);
  const table = openTable(t, files);
  const state = openState(t, files);
  await addMailbox(table, ADMIN, ALICE, { owner: '899700245667' });
  await addMailbox(table, ADMIN, 'carol@example.org', {});
  await addDelegate(table, ADMIN, 'bob', {
    login: 'bob@logins.test',
    firstName: 'Bob',
    lastName: 'Martin',
    profession: 'Infirmier',
  });
  await addDelegate(table, ADMIN, 'carol', { login: 'carol@example.org' });
  await addDelegate(table, ADMIN, 'dave', {});
  await state.query
    .insertInto('accounts')
    .values({ delegate_id: 1, contact: 'bob@private.test', language: 'en' })
    .execute();
  const alice = (await mailboxAt(table, ALICE)).id;
  let seen = 0;
  return {
    table,
    state,
    alice,
    outcome: async (now, { rules = {}, held = new Set(), mayGive = true } = {}) => {
      const mailbox = await readMailbox(table, alice);
      const pass = {
        site: { table, state, noticeRules: rules === null ? undefined : { ...RULES, ...rules } },
        mailboxId: alice,
        address: mailbox.rows?.address ?? 'mailbox 1',
        mailbox,
        desired: desired(mailbox.rows, POLICY, now),
        held,
        others: new Set(),
        strangers: new Set(),
        inherits: new Map(),
        mayGive,
      } as unknown as Pass;
      const tell = await telling(pass, now);
      if (tell !== undefined) await state.write(tell);
      const written = (await listNotices(state)).filter(({ id }) => id > seen);
      seen = Math.max(seen, ...written.map(({ id }) => id));
      return written.map(({ kind, part, recipient }) => `${kind} ${part} ${recipient}`);
    },
  };
}

t.test('grant, suspension, return, end: each told once, to the owner and to the delegate', async (t) => {
  const { table, state, alice, outcome } = await world(t);
  await grant(table, ADMIN, ALICE, 'bob', {});
  t.same(await outcome(day(1)), [`grant owner ${ALICE}`, 'grant delegate bob@private.test']);
  t.same(await outcome(day(1)), [], 'a later pass, a restart');
  await setSuspended(table, OWNER, ALICE, 'bob', true);
  t.same(await outcome(day(2)), [`suspend owner ${ALICE}`, 'suspend delegate bob@private.test']);
  await setSuspended(table, OWNER, ALICE, 'bob', false);
  t.same(await outcome(day(3)), [`resume owner ${ALICE}`, 'resume delegate bob@private.test']);
  await setDelegate(table, ADMIN, 'bob', { credentialValidUntil: day(20) });
  t.same(await outcome(day(4)), [], 'not within 14 days');
  t.same(await outcome(day(7)), [`ending owner ${ALICE}`, 'ending delegate bob@private.test']);
  t.same(await outcome(day(8)), [], 'once');
  t.same(await outcome(day(20)), [`suspend owner ${ALICE}`, 'suspend delegate bob@private.test'], 'it has lapsed');
  await revoke(table, OWNER, ALICE, 'bob');
  t.same(await outcome(day(21)), [`revoke owner ${ALICE}`, 'revoke delegate bob@private.test']);
  t.same(await outcome(day(22)), []);
  const all = await listNotices(state);
  const person = { identifier: 'bob', firstName: 'Bob', lastName: 'Martin', profession: 'Infirmier', mailbox: ALICE };
  for (const { data } of all) t.match(data, person, 'who it is about, after the row has gone too');
  const by = (kind: string) => all.find((one) => one.kind === kind)?.data.by;
  t.same(
    ['grant', 'suspend', 'resume', 'ending', 'revoke'].map(by),
    ['admin:root', OWNER.actor, OWNER.actor, null, OWNER.actor],
    'who did it; time and cards are nobody',
  );
  t.same(
    all.filter(({ kind }) => kind === 'suspend').map(({ data }) => data.why),
    ['suspended', 'suspended', 'credential', 'credential'],
  );
  t.equal(all.find(({ part }) => part === 'owner')?.language, 'fr');
  t.equal(all.find(({ part }) => part === 'delegate')?.language, 'en', 'their own');
  t.same(
    await state.query.selectFrom('told').selectAll().where('mailbox_id', '=', alice).execute(),
    [],
    'nothing is left',
  );
});

t.test("whom: the owner's second address, a mailbox of one's own, nobody known, and the others in short", async (t) => {
  const { table, state, alice, outcome } = await world(t);
  await setOwnerContact(state, alice, { address: 'alice@elsewhere.test', language: 'en' });
  await grant(table, ADMIN, ALICE, 'bob', {});
  await outcome(day(1));
  await grant(table, ADMIN, ALICE, 'carol', {});
  await grant(table, ADMIN, ALICE, 'dave', {});
  t.same(await outcome(day(2)), [
    `grant owner ${ALICE}`,
    'grant owner alice@elsewhere.test',
    'grant delegate carol@example.org',
    'grant other-delegate bob@private.test',
    `grant owner ${ALICE}`,
    'grant owner alice@elsewhere.test',
    'grant delegate null',
  ]);
  const notices = await listNotices(state);
  t.same(
    notices.filter(({ part }) => part === 'other-delegate').map(({ data }) => data),
    [{ mailbox: ALICE, at: day(2), full: false }],
    'names nobody, and says it once',
  );
  t.same(
    notices.filter(({ state: how }) => how === 'no-address').map(({ subject }) => subject),
    ['dave'],
    'R9',
  );
  t.equal(notices.find(({ subject }) => subject.endsWith(' second'))?.language, 'en');

  await setSuspended(table, ADMIN, ALICE, 'carol', true);
  t.same(
    (await outcome(day(3))).filter((one) => one.includes('other')),
    [],
    'whoever stays hears only of who comes or goes',
  );
  await revoke(table, ADMIN, ALICE, 'carol');
  t.same(
    (await outcome(day(4), { rules: { others: 'full' } })).filter((one) => one.includes('other')),
    ['revoke other-delegate bob@private.test'],
    'dave has no known address',
  );
  t.match(
    (await listNotices(state)).at(-1)?.data,
    { identifier: 'carol', full: true },
    'in full where the site wants it',
  );
  await revoke(table, ADMIN, ALICE, 'dave');
  t.same(
    (await outcome(day(5), { rules: { others: 'none' } })).filter((one) => one.includes('other')),
    [],
  );
});

t.test('a mailbox that is removed: everybody who had it is told, and its second address is forgotten', async (t) => {
  const { table, state, alice, outcome } = await world(t);
  await setOwnerContact(state, alice, { address: 'alice@elsewhere.test', language: null });
  await grant(table, ADMIN, ALICE, 'bob', {});
  await outcome(day(1));
  await removeMailbox(table, ADMIN, ALICE);
  t.same(await outcome(day(2)), [
    `revoke owner ${ALICE}`,
    'revoke owner alice@elsewhere.test',
    'revoke delegate bob@private.test',
  ]);
  t.same(await ownerContact(state, alice), { address: null, language: null });
});

t.test(
  'what the guard holds, or a table from the past lacks, is not told as revoked, nor what it would give',
  async (t) => {
    const { table, outcome } = await world(t);
    await grant(table, ADMIN, ALICE, 'bob', {});
    await outcome(day(1));
    await revoke(table, ADMIN, ALICE, 'bob');
    t.same(await outcome(day(2), { held: new Set(['bob@logins.test']) }), []);
    t.same(await outcome(day(2), { mayGive: false }), []);
    t.same(await outcome(day(3)), [`revoke owner ${ALICE}`, 'revoke delegate bob@private.test'], 'let go');
  },
);

t.test(
  'an end that comes is told as the end; the row that stays is not told again when it is taken away',
  async (t) => {
    const { table, outcome } = await world(t);
    await grant(table, ADMIN, ALICE, 'bob', { endsAt: day(5) });
    t.same(await outcome(day(1)), [`grant owner ${ALICE}`, 'grant delegate bob@private.test'], 'which names its end');
    t.same(await outcome(day(5)), [`revoke owner ${ALICE}`, 'revoke delegate bob@private.test']);
    await revoke(table, ADMIN, ALICE, 'bob');
    t.same(await outcome(day(6)), []);
  },
);

t.test('a site that was there before: nobody is told of old delegations, but of what becomes of them', async (t) => {
  const { table, state, outcome } = await world(t);
  await state.query.deleteFrom('facts').where('name', '=', 'told-from').execute(); // as of a site with outcomes
  await grant(table, ADMIN, ALICE, 'bob', { endsAt: day(20) });
  await beginTelling(table, state);
  t.same(await outcome(day(1)), []);
  t.same(await outcome(day(8)), [`ending owner ${ALICE}`, 'ending delegate bob@private.test'], 'its end is announced');
  await grant(table, ADMIN, ALICE, 'carol', {});
  t.ok((await outcome(day(9))).includes('grant delegate carol@example.org'), 'a new one is');
  await revoke(table, ADMIN, ALICE, 'bob');
  t.ok((await outcome(day(10))).includes('revoke delegate bob@private.test'));
});

t.test('without [notices] nobody is told, and nobody is when it comes', async (t) => {
  const { table, outcome } = await world(t);
  await grant(table, ADMIN, ALICE, 'bob', {});
  t.same(await outcome(day(1), { rules: null }), []);
  t.same(await outcome(day(2)), []);
});

t.test('ids given anew after a table from the past: another pair is another delegation', async (t) => {
  const { table, state, outcome } = await world(t);
  await grant(table, ADMIN, ALICE, 'bob', {});
  await outcome(day(1));
  await state.query.updateTable('told').set({ delegate_id: 99, identifier: 'gone', login: 'gone' }).execute();
  t.same(await outcome(day(2)), [
    `grant owner ${ALICE}`,
    'grant delegate bob@private.test',
    `revoke owner ${ALICE}`,
    'revoke delegate null',
  ]);
  t.same(await outcome(day(3)), []);
});
