import t from 'tap';
import { type Actor, actorFault, actorName, ownerOf } from '../../acl/actor.ts';

const ADMIN: Actor = { kind: 'admin', name: 'marie' };
const OWNER: Actor = { kind: 'owner', identifier: '899700245667' };
const DELEGATE: Actor = { kind: 'delegate', identifier: '899700366240' };

const own = { address: 'alice@example.org', owner: '899700245667', login: 'alice' };
const anothers = { address: 'carol@example.org', owner: '899700218896', login: 'carol' };

t.test('delegations: an admin those of anybody, an owner their own, a delegate none', async (t) => {
  const fault = (actor: Actor, mailbox: typeof own) => actorFault(actor, { kind: 'delegations', mailbox });
  t.equal(fault(ADMIN, anothers), undefined);
  t.equal(fault(OWNER, own), undefined);
  t.match(fault(OWNER, anothers), /^carol@example\.org is not a mailbox of owner:899700245667/);
  t.match(fault({ kind: 'owner', identifier: DELEGATE.kind }, own), /not a mailbox of/);
  t.match(fault(DELEGATE, own), /^Vous ne pouvez pas mettre fin à une délégation .* le contacter\./, 'R53');
  t.match(
    fault({ kind: 'delegate', identifier: '899700245667' }, own),
    /^Vous ne pouvez pas/,
    'not even as themselves',
  );
});

t.test('accounts: a delegate their own, an owner none', async (t) => {
  const fault = (actor: Actor, identifier: string) => actorFault(actor, { kind: 'account', identifier });
  t.equal(fault(ADMIN, '899700366240'), undefined);
  t.equal(fault(DELEGATE, '899700366240'), undefined);
  t.match(fault(DELEGATE, '899700245667'), /everybody manages their own/);
  t.match(fault(OWNER, '899700366240'), /everybody manages their own/);
});

t.test('names', async (t) => {
  t.equal(actorName(ADMIN), 'admin:marie');
  t.equal(actorName(OWNER), 'owner:899700245667');
  t.equal(ownerOf({ owner: null, login: 'alice' }), 'alice', 'a mailbox whose owner has no identifier');
});
