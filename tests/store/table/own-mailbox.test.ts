/** A mailbox of one's own: what the table has afterwards, and what is refused with nothing written. R39, R54, R55. */
import t, { type Test } from 'tap';
import { accountHolder } from '../../../bridge/store/table/account-holders.ts';
import { addDelegate, delegateNamed } from '../../../bridge/store/table/delegates.ts';
import { grant } from '../../../bridge/store/table/delegations.ts';
import { addMailbox, mailboxAt } from '../../../bridge/store/table/mailboxes.ts';
import { openOwnMailbox } from '../../../bridge/store/table/own-mailbox.ts';
import { pendingMailboxes } from '../../../bridge/store/table/rows.ts';
import { failure } from '../failures.ts';
import { freshTable } from '../fresh.ts';

const ADMIN = { actor: 'admin:marie', via: 'root' };
const activation = { activation: true };

async function made(t: Test) {
  const table = await freshTable(t);
  for (const [address, given] of [
    ['alice@lab.test', { owner: 'alice-id' }],
    ['erin@lab.test', { owner: 'erin-id' }],
    ['free@lab.test', { login: 'free' }],
    ['org@lab.test', { kind: 'ORG' }],
  ] as const)
    await addMailbox(table, ADMIN, address, given);
  await addDelegate(table, ADMIN, 'bob-id', { login: 'bob@portal.test' }, activation);
  await addDelegate(table, ADMIN, 'carol-id', { login: 'carol@lab.test' });
  for (const mailbox of ['alice@lab.test', 'erin@lab.test']) await grant(table, ADMIN, mailbox, 'bob-id');
  const holder = (identifier = 'bob-id') => accountHolder(table, identifier, new Date().toISOString());
  const open = async (address: string, login?: string, identifier?: string) =>
    openOwnMailbox(table, ADMIN, await holder(identifier), { address, login, ownerListed: null });
  return { table, holder, open };
}

t.test('one that is made: their delegations stay, their login is its login, and they have an account', async (t) => {
  const { table, holder, open } = await made(t);
  t.match(await holder(), { state: 'pending', ownMailbox: null });
  await table.write(ADMIN, (query) => query.deleteFrom('pending').execute());
  const opened = await open('bob@lab.test');
  t.match(opened, { loginBefore: 'bob@portal.test', login: 'bob@lab.test', written: { length: 3 } });
  t.match(await mailboxAt(table, 'bob@lab.test'), { owner: 'bob-id', login: 'bob@lab.test', kind: 'PER' });
  t.match(await delegateNamed(table, 'bob-id'), {
    login: 'bob@lab.test',
    state: 'active',
    mailboxes: ['alice@lab.test', 'erin@lab.test'],
  });
  t.match(await holder(), { ownMailbox: 'bob@lab.test' });
  t.same(
    (await pendingMailboxes(table)).map(({ mailboxId }) => mailboxId).sort(),
    opened.written.map(({ mailboxId }) => mailboxId).sort(),
    'each of them is looked at',
  );
  const [event] = await table.query.selectFrom('events').selectAll().where('action', '=', 'account-mailbox').execute();
  t.match(event, {
    actor: 'admin:marie',
    on_behalf: 'delegate:bob-id',
    via: 'root',
    delegate: 'bob-id',
    detail: /"before":"bob@portal\.test"/,
  });
  t.match(await open('bob@lab.test'), { loginBefore: 'bob@lab.test', login: 'bob@lab.test' }, 'again: nothing more');
});

t.test('one that is there and is nobody’s, or theirs already', async (t) => {
  const { table, open } = await made(t);
  t.match(await open('free@lab.test'), { login: 'free' });
  t.match(await mailboxAt(table, 'free@lab.test'), { owner: 'bob-id' });
  await addMailbox(table, ADMIN, 'c@lab.test', { owner: 'carol-id', login: 'c' });
  t.match(await open('c@lab.test', undefined, 'carol-id'), { loginBefore: 'carol@lab.test', login: 'c' });
});

t.test('refused, and nothing is written', async (t) => {
  const { table, open } = await made(t);
  await addMailbox(table, ADMIN, 'old@lab.test', { login: 'carol@lab.test' });
  await addDelegate(table, ADMIN, 'dave-id', {});
  const everything = async () =>
    JSON.stringify([
      await table.query.selectFrom('mailboxes').selectAll().execute(),
      await table.query.selectFrom('delegates').selectAll().execute(),
      await table.query.selectFrom('events').selectAll().execute(),
    ]);
  const before = await everything();
  const cases: readonly (readonly [address: string, login: string | undefined, rule: string, why: string])[] = [
    ['erin@lab.test', undefined, 'MANDAT_NOT_HIS', 'of somebody else, though delegated to them'],
    ['org@lab.test', undefined, 'MANDAT_NOT_PERSONAL', 'an organisation’s'],
    ['free@lab.test', 'other', 'MANDAT_LOGIN', 'it has another login'],
    ['bob@lab.test', 'carol@lab.test', 'MANDAT_DUPLICATE', 'the login of another delegate'],
    ['old@lab.test', undefined, 'MANDAT_DUPLICATE', 'the same, by the mailbox'],
    ['bob@lab.test', 'alice@lab.test', 'MANDAT_SELF', 'the login of a mailbox that is delegated to them'],
    ['bob@lab.test', 'free', 'MANDAT_DUPLICATE', 'the login of another mailbox'],
  ];
  for (const [address, login, rule, why] of cases) t.equal((await failure(() => open(address, login))).rule, rule, why);
  await t.rejects(open('free@lab.test', undefined, 'nobody'), { message: /no such delegate/ });
  t.equal(await everything(), before);

  await addMailbox(table, ADMIN, 'mine@lab.test', { login: 'mine' });
  await grant(table, ADMIN, 'mine@lab.test', 'bob-id');
  const { rule, message } = await failure(() => open('mine@lab.test'));
  t.match({ rule, message }, { rule: 'MANDAT_SELF', message: /has been delegated to them/ }, 'delegated to them');
});

t.test('who has to activate their account', async (t) => {
  const { table } = await made(t);
  const states = async (identifier: string, login?: string, state?: 'active' | 'suspended') =>
    addDelegate(table, ADMIN, identifier, { ...(login ? { login } : {}), ...(state ? { state } : {}) }, activation);
  t.equal(await states('erin-id'), 'active', 'an owner');
  t.equal(await states('free'), 'active', 'by their login, where the mailbox names no owner');
  t.equal(await states('x', 'alice@lab.test'), 'pending', 'somebody else’s login');
  t.equal(await states('y', undefined, 'active'), 'pending', 'whoever says otherwise');
  t.equal(await states('z', undefined, 'suspended'), 'suspended');
  t.equal(await addDelegate(table, ADMIN, 'w', {}), 'active', 'where accounts are not activated');
  await table.write(ADMIN, (query) =>
    query
      .insertInto('delegate')
      .values({
        id: 'v',
        login: null,
        first_name: null,
        last_name: null,
        profession: null,
        state: null,
        credential_valid_until: null,
      })
      .execute(),
  );
  t.match(await delegateNamed(table, 'v'), { state: 'active' }, 'other programs say so themselves');
});
