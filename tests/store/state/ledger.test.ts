import t from 'tap';
import { canonical, NONE } from '../../../acl/rights.ts';
import {
  asSeen,
  foldersSeen,
  rememberFolders,
  type SeenFolder,
  settleFolders,
} from '../../../bridge/store/state/folders-seen.ts';
import {
  beginGrant,
  endPair,
  enterForce,
  intendRights,
  type NewPair,
  recordBefore,
  recordCut,
  setPhase,
} from '../../../bridge/store/state/ledger.ts';
import { pairsAmong, pairsOf } from '../../../bridge/store/state/ledger-pairs.ts';
import type { StateDb } from '../../../bridge/store/state/state-db.ts';
import { forgetSubscriptions, recordSubscriptions } from '../../../bridge/store/state/subscriptions.ts';
import { failure } from '../failures.ts';
import { freshState } from '../fresh.ts';

const NOW = '2026-11-23T08:00:00.000Z';
const LATER = '2026-11-23T09:00:00.000Z';

const pair = (change: Partial<NewPair> = {}): NewPair => ({
  mailboxId: 1,
  delegateId: 7,
  address: 'alice@example.org',
  server: 'main',
  ownerLogin: 'alice',
  login: 'bob',
  inboxBefore: undefined,
  foldersBefore: ['INBOX', 'Sent', 'R&AOk-union'],
  given: [canonical('lrs')],
  ...change,
});

const times = (state: StateDb, id: number) =>
  state.query
    .selectFrom('ledger')
    .select(['phase', 'since', 'in_force_at', 'verified_at', 'cut_done'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow();

async function onlyPair(state: StateDb, mailboxId = 1) {
  const [first, ...more] = await pairsOf(state, mailboxId);
  if (first === undefined || more.length > 0) throw new Error('one pair was expected');
  return first;
}

/** Ids of all mailboxes below. */
const EVERY = [1, 2, 3, 4, 5, 6, 7, 8, 9];

t.test('an intent holds all that a crash must not lose', async (t) => {
  const state = await freshState(t);
  await beginGrant(state, pair({ inboxBefore: canonical('lr') }), NOW);
  const { id, ...stored } = await onlyPair(state);
  t.same(stored, {
    ...pair({ inboxBefore: canonical('lr') }),
    phase: 'granting',
    identifier: null,
    inForceAt: null,
    before: [],
    subscriptions: new Map(),
    subscriptionsUndone: false,
    cutDone: false,
  });
  t.ok(id > 0);
});

t.test('no entry before and an entry without rights are two things', async (t) => {
  const state = await freshState(t);
  await beginGrant(state, pair(), NOW);
  await beginGrant(state, pair({ login: 'carol', inboxBefore: NONE }), NOW);
  const [bob, carol] = await pairsOf(state, 1);
  t.equal(bob?.inboxBefore, undefined);
  t.equal(carol?.inboxBefore, NONE);
});

t.test('pairs are told by mailbox, in order of login', async (t) => {
  const state = await freshState(t);
  await beginGrant(state, pair({ login: 'zoe', delegateId: 9 }), NOW);
  await beginGrant(state, pair(), NOW);
  await beginGrant(state, pair({ mailboxId: 2, ownerLogin: 'erin' }), NOW);
  t.same(
    (await pairsOf(state, 1)).map(({ login }) => login),
    ['bob', 'zoe'],
  );
  t.same(
    (await pairsOf(state, 2)).map(({ ownerLogin }) => ownerLogin),
    ['erin'],
  );
  t.same(await pairsOf(state, 3), []);
  t.same(
    [...(await pairsAmong(state, EVERY))].sort((a, b) => a.mailboxId - b.mailboxId || a.delegateId - b.delegateId),
    [
      { mailboxId: 1, delegateId: 7, login: 'bob', phase: 'granting', server: 'main', inForceAt: null },
      { mailboxId: 1, delegateId: 9, login: 'zoe', phase: 'granting', server: 'main', inForceAt: null },
      { mailboxId: 2, delegateId: 7, login: 'bob', phase: 'granting', server: 'main', inForceAt: null },
    ],
  );
});

t.test(
  'one pair a server, account and identifier: a mailbox that came back waits for the old one to be cleared',
  async (t) => {
    const state = await freshState(t);
    await beginGrant(state, pair(), NOW);
    t.equal((await failure(() => beginGrant(state, pair({ mailboxId: 2 }), LATER))).code, 'retry');
    t.equal((await onlyPair(state)).mailboxId, 1, 'the old one is untouched');
    await beginGrant(state, pair({ mailboxId: 2, server: 'other' }), NOW);
    t.same(await pairsOf(state, 2), [], 'what stands on another server is that server’s affair');
    t.equal((await pairsOf(state, 2, 'other')).length, 1);
    t.equal((await pairsAmong(state, [1, 2])).length, 1);
    t.equal((await pairsAmong(state, [1, 2], 'everywhere')).length, 2);
    await endPair(state, (await onlyPair(state)).id);
    await beginGrant(state, pair({ mailboxId: 3 }), NOW);
    t.equal((await onlyPair(state, 3)).phase, 'granting');
  },
);

t.test('phases, and when each was reached', async (t) => {
  const state = await freshState(t);
  await beginGrant(state, pair(), NOW);
  await beginGrant(state, pair({ login: 'carol' }), NOW);
  const [bob, carol] = (await pairsOf(state, 1)).map(({ id }) => id);
  if (bob === undefined || carol === undefined) throw new Error('two pairs were expected');

  await setPhase(state, [carol], 'revoking', LATER);
  t.match(await times(state, carol), { in_force_at: NOW }, 'who was to get it may have it since the intent');
  t.same(await enterForce(state, 1, NOW), ['bob'], 'who is on their way out is not in force');
  t.match(await times(state, bob), { phase: 'in-force', in_force_at: NOW, verified_at: null });
  t.same(await enterForce(state, 1, LATER), []);
  t.match(await times(state, bob), { in_force_at: NOW }, 'where it is already it came then');
  await setPhase(state, [carol], 'granting', NOW);
  await setPhase(state, [bob], 'verified', LATER);
  t.match(await times(state, bob), { phase: 'verified', in_force_at: NOW, verified_at: LATER });
  t.match(await times(state, carol), { phase: 'granting', in_force_at: null }, 'others are not moved');

  await recordCut(state, bob);
  t.ok((await pairsOf(state, 1)).find(({ id }) => id === bob)?.cutDone);
  await setPhase(state, [bob], 'revoking', LATER);
  t.match(await times(state, bob), { phase: 'revoking', cut_done: 0 }, 'the cut at the grant is none of the revoke');
  await recordCut(state, bob);
  await setPhase(state, [bob], 'granting', LATER);
  t.match(
    await times(state, bob),
    { phase: 'granting', since: LATER, in_force_at: null, verified_at: null, cut_done: 0 },
    'a revoke that is taken back starts over, cut included',
  );
  await setPhase(state, [], 'revoking', LATER);
  t.notOk(
    (await pairsAmong(state, EVERY)).some(({ phase }) => phase === 'revoking'),
    'nobody is nobody',
  );
});

t.test('what stood there before is recorded once', async (t) => {
  const state = await freshState(t);
  await beginGrant(state, pair(), NOW);
  const { id } = await onlyPair(state);
  const entries = [
    { folder: 'R&AOk-union', folderId: 'guid-1', rights: canonical('lr') },
    { folder: 'Sent', folderId: null, rights: NONE },
  ];
  await recordBefore(state, id, entries);
  const stored = await onlyPair(state);
  t.equal(stored.foldersBefore, undefined, 'the names have served');
  t.same(stored.before, entries);
});

t.test('nothing stood there before: that is known from then on, too', async (t) => {
  const state = await freshState(t);
  await beginGrant(state, pair(), NOW);
  const { id } = await onlyPair(state);
  t.same((await onlyPair(state)).foldersBefore?.length, 3);
  await recordBefore(state, id, []);
  const { foldersBefore, before } = await onlyPair(state);
  t.equal(foldersBefore, undefined);
  t.same(before, []);
});

t.test('recording what stood there is all or nothing', async (t) => {
  const state = await freshState(t);
  await beginGrant(state, pair(), NOW);
  const { id } = await onlyPair(state);
  const twice = { folder: 'Sent', folderId: null, rights: NONE };
  await t.rejects(recordBefore(state, id, [twice, twice]));
  const { foldersBefore, before } = await onlyPair(state);
  t.equal(foldersBefore?.length, 3, 'still to be read');
  t.same(before, []);
});

t.test('subscriptions: who was there first is never forgotten by a second look', async (t) => {
  const state = await freshState(t);
  await beginGrant(state, pair(), NOW);
  const { id } = await onlyPair(state);
  const subscriptions = async () => (await onlyPair(state)).subscriptions;
  await recordSubscriptions(
    state,
    id,
    new Map([
      ['INBOX', false],
      ['Sent', true],
    ]),
  );
  await recordSubscriptions(
    state,
    id,
    new Map([
      ['INBOX', true],
      ['Sent', false],
      ['Drafts', true],
    ]),
  );
  t.same(
    await subscriptions(),
    new Map([
      ['INBOX', false],
      ['Sent', true],
      ['Drafts', true],
    ]),
  );
  await forgetSubscriptions(state, id, ['Sent', 'Trash']);
  t.same(
    await subscriptions(),
    new Map([
      ['INBOX', false],
      ['Drafts', true],
    ]),
  );
});

t.test('a pair that ends takes along what hung on it, and nothing else', async (t) => {
  const state = await freshState(t);
  for (const login of ['bob', 'carol']) {
    await beginGrant(state, pair({ login }), NOW);
    const { id } = (await pairsOf(state, 1)).find((stored) => stored.login === login) ?? { id: 0 };
    await recordBefore(state, id, [{ folder: 'Sent', folderId: null, rights: NONE }]);
    await recordSubscriptions(state, id, new Map([['Sent', true]]));
  }
  const [bob] = await pairsOf(state, 1);
  await endPair(state, bob?.id ?? 0);
  const carol = await onlyPair(state);
  t.equal(carol.login, 'carol');
  t.equal(carol.before.length, 1);
  t.equal(carol.subscriptions.size, 1);
  for (const table of ['before_entries', 'subscriptions'] as const) {
    t.equal((await state.query.selectFrom(table).selectAll().execute()).length, 1, `no orphan in ${table}`);
  }
  await beginGrant(state, pair({ login: 'bob' }), LATER);
  const again = (await pairsOf(state, 1)).find(({ login }) => login === 'bob');
  t.ok((again?.id ?? 0) > (bob?.id ?? 0), 'who comes back is a new pair');
  t.same(again?.before, [], 'with nothing of the old one');
});

t.test('all rights that were written while the folders are unread are kept', async (t) => {
  const state = await freshState(t);
  const [first, second] = [canonical('lrs'), canonical('lrsw')];
  await beginGrant(state, pair({ given: [first] }), NOW);
  for (const rights of [second, first, second]) await intendRights(state, await onlyPair(state), rights);
  t.same((await onlyPair(state)).given, [first, second]);
  await recordBefore(state, (await onlyPair(state)).id, []);
  await intendRights(state, await onlyPair(state), canonical('l'));
  t.same((await onlyPair(state)).given, [first, second], 'once they are read it matters no more');
});

t.test('folders as last seen, by account and server', async (t) => {
  const state = await freshState(t);
  const folder = (id: string, more = {}) => ({ id, name: id.toUpperCase(), specialUse: false, ...more });
  t.equal(await foldersSeen(state, 'main', 'alice'), undefined, 'never looked at');
  t.equal(await asSeen(state, 'main', 'alice', []), false, 'and so not as seen');
  await rememberFolders(state, 'main', 'alice', [folder('b'), folder('a')]);
  await rememberFolders(state, 'main', 'erin', []);
  await rememberFolders(state, 'main', 'alice', [folder('c'), folder('a')]);
  t.same(await foldersSeen(state, 'main', 'alice'), ['a', 'c'], 'the last look counts');
  t.same(await foldersSeen(state, 'main', 'erin'), [], 'looked at, and nothing there');
  t.equal(await asSeen(state, 'main', 'erin', []), true);
  const same = async (...folders: SeenFolder[]) => asSeen(state, 'main', 'alice', folders);
  t.equal(await same(folder('a'), folder('c')), true, 'in whatever order');
  t.equal(await same(folder('a')), false, 'one is missing');
  t.equal(await same(folder('a'), folder('c', { name: 'D' })), false, 'renamed');
  t.equal(await same(folder('a'), folder('d', { name: 'C' })), false, 'made anew under its name');
  t.equal(await same(folder('a'), folder('c', { specialUse: true })), false, 'for sent messages now');
  t.equal(await foldersSeen(state, 'other', 'alice'), undefined);
});

t.test('folders that no verified pass has brought in line yet', async (t) => {
  const state = await freshState(t);
  const folder = (id: string, specialUse = false) => ({ id, name: id.toUpperCase(), specialUse });
  const look = async (...folders: SeenFolder[]) => [...(await rememberFolders(state, 'main', 'alice', folders))].sort();
  t.same(await look(folder('a'), folder('b')), ['a', 'b'], 'all of them at first');
  t.same(await look(folder('a'), folder('b')), ['a', 'b'], 'until a pass has ended well');
  await settleFolders(state, 'main', 'alice');
  t.same(await look(folder('a'), folder('b')), []);
  t.same(await look(folder('a'), folder('b'), folder('c')), ['c'], 'one that has come');
  t.same(await look(folder('a'), folder('c'), folder('d')), ['c', 'd'], 'and one more, before');
  t.same(await look(folder('a'), folder('d')), ['d'], 'one that has gone needs nothing');
  await settleFolders(state, 'main', 'alice');
  t.same(await look(folder('a', true), folder('d')), ['a'], 'a special-use folder now');
  await settleFolders(state, 'main', 'alice');
  t.same(await look(folder('a'), { ...folder('d'), name: 'Other' }), ['a'], 'no longer; a name is no matter');
  await state.query.updateTable('folders_seen').set({ special: null, unsettled: null }).execute();
  t.same(await look(folder('a', true), folder('d')), [], 'nobody knows which were, before this was noted');
  t.same(await look(folder('a'), folder('d')), ['a'], 'and from then on it is known');
});
