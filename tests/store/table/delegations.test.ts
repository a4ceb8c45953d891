import t from 'tap';
import {
  addDelegate,
  delegateNamed,
  listDelegates,
  removeDelegate,
  setDelegate,
} from '../../../bridge/store/table/delegates.ts';
import type { DelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { listDelegations } from '../../../bridge/store/table/delegation-list.ts';
import { grant, revoke, setSuspended } from '../../../bridge/store/table/delegations.ts';
import {
  addAlias,
  addMailbox,
  listMailboxes,
  mailboxAt,
  removeAlias,
  removeMailbox,
  setMailbox,
} from '../../../bridge/store/table/mailboxes.ts';
import { pendingMailboxes } from '../../../bridge/store/table/rows.ts';
import { failure } from '../failures.ts';
import { freshTable } from '../fresh.ts';

const ALICE = 'alice@example.org';
const ADMIN = { actor: 'admin' };

async function aliceAndBob(table: DelegationDb): Promise<void> {
  await addMailbox(table, ADMIN, ALICE, { login: 'alice', owner: 'rpps-1' });
  await addDelegate(table, ADMIN, 'bob', { login: 'bob@example.net' });
}

t.test('a grant is in the list with its terms, a revoke takes it out', async (t) => {
  const table = await freshTable(t);
  await aliceAndBob(table);
  await grant(table, ADMIN, ALICE, 'bob', {
    startsAt: '2026-12-01T00:00:00.000Z',
    endsAt: '2026-12-24T22:59:59.999Z',
    note: 'congés',
  });
  const [delegation, ...more] = await listDelegations(table);
  t.match(delegation, {
    mailbox: { address: ALICE, login: 'alice', kind: 'PER', eligible: true },
    delegate: { identifier: 'bob', login: 'bob@example.net', state: 'active', credentialValidUntil: null },
    createdBy: 'admin',
    createdAt: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    startsAt: '2026-12-01T00:00:00.000Z',
    endsAt: '2026-12-24T22:59:59.999Z',
    note: 'congés',
  });
  t.same(more, []);
  await revoke(table, ADMIN, ALICE, 'bob');
  t.same(await listDelegations(table), []);
});

t.test('a suspended delegation keeps its row, and all of it', async (t) => {
  const table = await freshTable(t);
  await aliceAndBob(table);
  await grant(table, ADMIN, ALICE, 'bob', { note: 'congés' });
  const [before] = await listDelegations(table);
  t.equal(before?.suspended, false);
  const written = await setSuspended(table, ADMIN, ALICE, 'bob', true);
  t.same(await pendingMailboxes(table), [written], 'the mailbox is looked at');
  t.same(await listDelegations(table), [{ ...before, suspended: true }]);
  await setSuspended(table, ADMIN, ALICE, 'bob', false);
  t.same(await listDelegations(table), [before], 'as if nothing had been');
});

t.test('a write says which mailbox to wait for, and for which version', async (t) => {
  const table = await freshTable(t);
  await aliceAndBob(table);
  const { id } = await mailboxAt(table, ALICE);
  const granted = await grant(table, ADMIN, ALICE, 'bob');
  t.same(await pendingMailboxes(table), [granted], 'that is what is pending');
  t.equal(granted.mailboxId, id);
  const revoked = await revoke(table, ADMIN, ALICE, 'bob');
  t.same(await pendingMailboxes(table), [revoked]);
  t.ok(revoked.version > granted.version, 'a later one');
});

t.test('lists are ordered, and filtered by either side', async (t) => {
  const table = await freshTable(t);
  for (const name of ['zoe', 'alice', 'mia']) await addMailbox(table, ADMIN, `${name}@example.org`, {});
  for (const name of ['d2', 'd1', 'd3']) await addDelegate(table, ADMIN, name, {});
  for (const [mailbox, delegate] of [
    ['zoe', 'd1'],
    ['alice', 'd2'],
    ['alice', 'd1'],
  ] as const) {
    await grant(table, ADMIN, `${mailbox}@example.org`, delegate);
  }
  const pairs = async (filter?: Parameters<typeof listDelegations>[1]) =>
    (await listDelegations(table, filter)).map(({ mailbox, delegate }) => `${mailbox.address} ${delegate.identifier}`);
  t.same(await pairs(), ['alice@example.org d1', 'alice@example.org d2', 'zoe@example.org d1']);
  t.same(await pairs({ mailbox: ALICE }), ['alice@example.org d1', 'alice@example.org d2']);
  t.same(await pairs({ delegate: 'd1' }), ['alice@example.org d1', 'zoe@example.org d1']);
  t.same(await pairs({ mailbox: ALICE, delegate: 'd2' }), ['alice@example.org d2']);
  t.same(await pairs({ mailbox: 'nobody@example.org' }), []);
  t.same(
    (await listMailboxes(table)).map(({ address, delegates }) => [address, delegates]),
    [
      ['alice@example.org', 2],
      ['mia@example.org', 0],
      ['zoe@example.org', 1],
    ],
  );
  t.same(
    (await listDelegates(table)).map(({ identifier, mailboxes }) => [identifier, mailboxes]),
    [
      ['d1', ['alice@example.org', 'zoe@example.org']],
      ['d2', ['alice@example.org']],
      ['d3', []],
    ],
  );
});

t.test('a refusal names who must act and which rule it was', async (t) => {
  const table = await freshTable(t);
  await aliceAndBob(table);
  await addMailbox(table, ADMIN, 'org@example.org', { kind: 'ORG' });
  await addMailbox(table, ADMIN, 'erin@example.org', { eligible: false });
  await addDelegate(table, ADMIN, 'rpps-1', {});
  await grant(table, ADMIN, ALICE, 'bob');
  const bad = '2026-02-30T00:00:00.000Z';
  /** work, code, rule, why */
  const rows: readonly (readonly [() => Promise<unknown>, string, string | undefined, string])[] = [
    [() => grant(table, ADMIN, ALICE, 'bob'), 'refused', 'MANDAT_DUPLICATE', 'twice'],
    [() => grant(table, ADMIN, ALICE, 'rpps-1'), 'refused', 'MANDAT_SELF', 'the owner'],
    [() => grant(table, ADMIN, 'org@example.org', 'bob'), 'refused', 'MANDAT_NOT_PERSONAL', 'an organisation'],
    [() => grant(table, ADMIN, 'erin@example.org', 'bob'), 'refused', 'MANDAT_NOT_ELIGIBLE', 'not eligible'],
    [() => grant(table, ADMIN, 'nobody@example.org', 'bob'), 'absent', 'MANDAT_UNKNOWN_MAILBOX', 'no mailbox'],
    [() => grant(table, ADMIN, ALICE, 'nobody'), 'absent', 'MANDAT_UNKNOWN_DELEGATE', 'no delegate'],
    [
      () => grant(table, ADMIN, ALICE, 'nobody', { endsAt: bad }),
      'absent',
      'MANDAT_UNKNOWN_DELEGATE',
      'first things first',
    ],
    [() => revoke(table, ADMIN, ALICE, 'rpps-1'), 'absent', undefined, 'no such delegation'],
    [() => revoke(table, ADMIN, ALICE, 'nobody'), 'absent', 'MANDAT_UNKNOWN_DELEGATE', 'no delegate'],
    [() => revoke(table, ADMIN, 'nobody@example.org', 'bob'), 'absent', 'MANDAT_UNKNOWN_MAILBOX', 'no mailbox'],
    [() => setSuspended(table, ADMIN, ALICE, 'rpps-1', true), 'absent', undefined, 'no such delegation'],
    [() => setSuspended(table, ADMIN, ALICE, 'nobody', true), 'absent', 'MANDAT_UNKNOWN_DELEGATE', 'no delegate'],
    [() => addMailbox(table, ADMIN, ALICE, {}), 'refused', 'MANDAT_DUPLICATE', 'a mailbox twice'],
    [() => addMailbox(table, ADMIN, 'Eve@example.org', {}), 'refused', 'MANDAT_ADDRESS', 'upper case'],
    [() => addMailbox(table, ADMIN, 'eve@example.org', { login: 'anyone' }), 'refused', 'MANDAT_LOGIN', 'everybody'],
    [() => setMailbox(table, ADMIN, ALICE, { login: 'bob@example.net' }), 'refused', 'MANDAT_SELF', 'her delegate'],
    [() => setMailbox(table, ADMIN, 'nobody@example.org', { eligible: true }), 'absent', 'MANDAT_UNKNOWN_MAILBOX', ''],
    [() => removeMailbox(table, ADMIN, 'nobody@example.org'), 'absent', 'MANDAT_UNKNOWN_MAILBOX', ''],
    [() => mailboxAt(table, 'nobody@example.org'), 'absent', 'MANDAT_UNKNOWN_MAILBOX', ''],
    [() => addAlias(table, ADMIN, 'nobody@example.org', 'x@example.org'), 'absent', 'MANDAT_UNKNOWN_MAILBOX', ''],
    [() => addAlias(table, ADMIN, ALICE, 'org@example.org'), 'refused', 'MANDAT_DUPLICATE', 'of another'],
    [() => removeAlias(table, ADMIN, ALICE, 'x@example.org'), 'absent', undefined, 'no such alias'],
    [() => removeAlias(table, ADMIN, 'nobody@example.org', 'x@example.org'), 'absent', 'MANDAT_UNKNOWN_MAILBOX', ''],
    [() => addDelegate(table, ADMIN, 'anyone', {}), 'refused', 'MANDAT_IDENTIFIER', 'everybody'],
    [() => addDelegate(table, ADMIN, 'x', { credentialValidUntil: bad }), 'refused', 'MANDAT_TIME', '30 February'],
    [() => setDelegate(table, ADMIN, 'bob', { login: 'alice' }), 'refused', 'MANDAT_SELF', 'the owner'],
    [() => setDelegate(table, ADMIN, 'nobody', { state: 'suspended' }), 'absent', 'MANDAT_UNKNOWN_DELEGATE', ''],
    [() => removeDelegate(table, ADMIN, 'nobody'), 'absent', 'MANDAT_UNKNOWN_DELEGATE', ''],
    [() => delegateNamed(table, 'nobody'), 'absent', 'MANDAT_UNKNOWN_DELEGATE', ''],
  ];
  for (const [index, [work, code, rule, why]] of rows.entries()) {
    const refusal = await failure(work);
    t.equal(refusal.code, code, `${index + 1}: ${refusal.message}: ${why}`);
    t.equal(refusal.rule, rule);
    t.notMatch(refusal.message, /MANDAT_/, 'people read a sentence');
  }
  const { delegates } = await mailboxAt(table, ALICE);
  t.equal(delegates, 1, 'all this has changed nothing');
});

t.test('the limit names the mailbox and how to see who is there', async (t) => {
  const table = await freshTable(t);
  await addMailbox(table, ADMIN, ALICE, {});
  for (let i = 1; i <= 11; i++) await addDelegate(table, ADMIN, `d${i}`, {});
  for (let i = 1; i <= 10; i++) await grant(table, ADMIN, ALICE, `d${i}`);
  const refusal = await failure(() => grant(table, ADMIN, ALICE, 'd11'));
  t.match(refusal, { code: 'refused', rule: 'MANDAT_LIMIT' });
  t.match(refusal.message, ALICE);
  t.match(refusal.hint, ALICE);
});

t.test('a mailbox: what is given, what is not, what is changed and what stays', async (t) => {
  const table = await freshTable(t);
  await addMailbox(table, ADMIN, ALICE, {});
  const plain = { address: ALICE, login: ALICE, owner: null, kind: 'PER', eligible: true, aliases: [], delegates: 0 };
  t.match(await mailboxAt(table, ALICE), plain, 'an address is enough');
  await setMailbox(table, ADMIN, ALICE, { eligible: false });
  t.match(await mailboxAt(table, ALICE), { ...plain, eligible: false }, 'nothing else');
  await setMailbox(table, ADMIN, ALICE, { address: 'al@example.org', login: 'al', owner: 'rpps-1', kind: 'CAB' });
  const moved = { address: 'al@example.org', login: 'al', owner: 'rpps-1', kind: 'CAB', eligible: false };
  t.match(await mailboxAt(table, 'al@example.org'), moved);
  await setMailbox(table, ADMIN, 'al@example.org', { owner: null });
  t.match(await mailboxAt(table, 'al@example.org'), { ...moved, owner: null }, 'an owner may become unknown');
  t.equal((await failure(() => mailboxAt(table, ALICE))).code, 'absent', 'the old address is nobody');

  await addAlias(table, ADMIN, 'al@example.org', 'z@example.org');
  await addAlias(table, ADMIN, 'al@example.org', 'a@example.org');
  t.same((await mailboxAt(table, 'al@example.org')).aliases, ['a@example.org', 'z@example.org']);
  await removeAlias(table, ADMIN, 'al@example.org', 'z@example.org');
  t.same((await mailboxAt(table, 'al@example.org')).aliases, ['a@example.org']);
  await removeMailbox(table, ADMIN, 'al@example.org');
  t.same(await listMailboxes(table), []);
  await addMailbox(table, ADMIN, 'a@example.org', {});
  t.same((await listMailboxes(table)).length, 1, 'its alias is free again');
});

t.test('an alias is removed from its own mailbox only', async (t) => {
  const table = await freshTable(t);
  await addMailbox(table, ADMIN, ALICE, {});
  await addMailbox(table, ADMIN, 'eve@example.org', {});
  await addAlias(table, ADMIN, ALICE, 'x@example.org');
  t.equal((await failure(() => removeAlias(table, ADMIN, 'eve@example.org', 'x@example.org'))).code, 'absent');
  t.same((await mailboxAt(table, ALICE)).aliases, ['x@example.org']);
});

t.test('a delegate: what is given, what is not, what is changed and what stays', async (t) => {
  const table = await freshTable(t);
  await addDelegate(table, ADMIN, 'bob', {});
  const plain = {
    identifier: 'bob',
    login: 'bob',
    firstName: null,
    lastName: null,
    profession: null,
    state: 'active',
    credentialValidUntil: null,
    listed: null,
    mailboxes: [],
  } as const;
  t.same(await delegateNamed(table, 'bob'), plain, 'an identifier is enough');
  const change = {
    login: 'bob@example.net',
    firstName: 'Bob',
    lastName: 'Büttner',
    profession: '10',
    state: 'suspended',
    credentialValidUntil: '2026-12-24T22:59:59.999Z',
  } as const;
  await setDelegate(table, ADMIN, 'bob', change);
  t.same(await delegateNamed(table, 'bob'), { ...plain, ...change });
  await setDelegate(table, ADMIN, 'bob', { credentialValidUntil: null });
  t.same(await delegateNamed(table, 'bob'), { ...plain, ...change, credentialValidUntil: null }, 'nothing else');
  await removeDelegate(table, ADMIN, 'bob');
  t.same(await listDelegates(table), []);
});

t.test('what goes takes its delegations along', async (t) => {
  const table = await freshTable(t);
  await aliceAndBob(table);
  await grant(table, ADMIN, ALICE, 'bob');
  await removeDelegate(table, ADMIN, 'bob');
  t.same(await listDelegations(table), []);
  await addDelegate(table, ADMIN, 'bob', {});
  t.same(await listDelegations(table), [], 'who comes back has none');
  await grant(table, ADMIN, ALICE, 'bob');
  await removeMailbox(table, ADMIN, ALICE);
  t.same(await listDelegations(table), []);
});
