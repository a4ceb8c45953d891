/** Every change a driver can make is held back until it is certain that it is ours to make; reading never is. */
import t from 'tap';
import { canonical } from '../../acl/rights.ts';
import type { DelegateView, MailServer, OwnerView } from '../../bridge/reconcile/driver-interfaces.ts';
import { fencedCutter, fencedPublisher, fencedServer } from '../../bridge/reconcile/fenced.ts';

const ASKED = ['set', 'remove', 'subscribe', 'unsubscribe', 'folders', 'close'];

/** A driver that notes what is asked of it. */
function driver() {
  const asked: string[] = [];
  const note = (name: string) => async () => asked.push(name);
  const view = (login: string) => ({ login, ...Object.fromEntries(ASKED.map((name) => [name, note(name)])) });
  const server: MailServer = {
    name: 'main',
    prepare: () => {},
    asOwner: async (login) => view(login) as unknown as OwnerView,
    asDelegate: async (login) => view(login) as unknown as DelegateView,
  };
  return { asked, server };
}

function fence() {
  const hearers = new Set<() => void>();
  return {
    mine: true,
    asked: 0,
    certain: true,
    async sure() {
      this.asked++;
      if (!this.mine) throw new Error('superseded');
    },
    onDoubt: (hear: () => void) => {
      hearers.add(hear);
      return () => void hearers.delete(hear);
    },
    doubt: () => {
      for (const hear of hearers) hear();
    },
    get hearing() {
      return hearers.size;
    },
  };
}

t.test('all that is said of a session reaches the driver', async (t) => {
  const { server } = driver();
  const told: unknown[] = [];
  const asOwner: MailServer['asOwner'] = (...about) => {
    told.push(about);
    return server.asOwner(...about);
  };
  const patience = { waits: () => {} } as unknown as Parameters<MailServer['asOwner']>[1];
  await fencedServer({ ...server, asOwner }, fence(), () => {}).asOwner('alice', patience, true);
  t.same(told, [['alice', patience, true]]);
});

t.test("each change is asked about just before it, and none is made when it is another's", async (t) => {
  const { asked, server } = driver();
  const one = fence();
  const late: string[] = [];
  const fenced = fencedServer(server, one, (owner) => late.push(owner));
  const owner = await fenced.asOwner('alice');
  const delegate = await fenced.asDelegate('bob');
  const cut = async () => {
    asked.push('cut');
    return { before: 0, toSee: '', ended: async () => true };
  };
  const publish = () => {
    asked.push('publish');
    return { added: [], removed: [] };
  };
  const cutter = fencedCutter({ cut }, one);
  const publisher = fencedPublisher({ publish, rules: () => [], othersAt: () => [], mailboxIds: () => [] }, one);
  const changes: readonly (() => Promise<unknown>)[] = [
    () => owner.set('INBOX', 'bob', canonical('lr')),
    () => owner.remove('INBOX', 'bob'),
    () => owner.subscribe('INBOX'),
    () => delegate.subscribe('alice', 'INBOX'),
    () => delegate.unsubscribe('alice', 'INBOX'),
    () => cutter.cut('bob'),
    async () => publisher.publish(1, []),
  ];
  for (const change of changes) await change();
  t.equal(one.asked, changes.length);
  t.same(asked.splice(0), ['set', 'remove', 'subscribe', 'subscribe', 'unsubscribe', 'cut', 'publish']);
  one.mine = false;
  for (const change of changes) await t.rejects(change(), /superseded/);
  t.same(asked, []);
  await owner.folders();
  t.same(asked.splice(0), ['folders'], 'looking harms nobody');
  t.same(late, []);
  one.mine = true;
  one.certain = false; // it was when asked, and isn't when the answer is there
  await owner.set('INBOX', 'bob', canonical('lr'));
  await delegate.subscribe('carol', 'INBOX');
  t.same(late, ['alice', 'carol']);
});

t.test('of many changes at once in a session each is asked about when its turn has come', async (t) => {
  const { asked, server } = driver();
  const one = fence();
  const owner = await fencedServer(server, one, () => {}).asOwner('alice');
  const first = owner.set('INBOX', 'bob', canonical('lr'));
  const second = owner.set('Sent', 'bob', canonical('lr'));
  await first;
  one.mine = false;
  const ended = await Promise.allSettled([second, owner.set('Drafts', 'bob', canonical('lr'))]);
  t.ok(asked.length <= 2);
  t.equal(ended[1]?.status, 'rejected');
});

t.test('changes that are asked for together, where they go in one piece, are asked about once', async (t) => {
  const { asked, server } = driver();
  const one = fence();
  const together: MailServer = {
    ...server,
    asOwner: async (login) => ({ ...(await server.asOwner(login)), together: true }),
  };
  const late: string[] = [];
  const owner = await fencedServer(together, one, (login) => late.push(login)).asOwner('alice');
  const set = (login: string) => owner.set('INBOX', login, canonical('lr'));
  await Promise.all(['bob', 'carol', 'dave'].map(set));
  t.equal(one.asked, 1);
  await set('bob');
  t.equal(one.asked, 2, 'and what comes after them anew');
  await Promise.all(['andr\u00e9', 'bob', 'carol'].map(set));
  t.equal(one.asked, 4, 'what a server must ask for first goes by itself');
  t.equal(asked.splice(0).length, 7);
  one.mine = false;
  const refused = await Promise.allSettled(['bob', 'carol'].map(set));
  t.ok(refused.every(({ status }) => status === 'rejected'));
  t.same(asked, []);
  one.mine = true;
  one.certain = false;
  await Promise.all(['bob', 'carol'].map(set));
  t.same(late, ['alice', 'alice']);
});

t.test('when it becomes uncertain every session is closed, once', async (t) => {
  const { asked, server } = driver();
  const one = fence();
  const fenced = fencedServer(server, one, () => {});
  const views = [await fenced.asOwner('alice'), await fenced.asDelegate('bob')];
  one.doubt();
  t.same(asked.splice(0), ['close', 'close']);
  for (const view of views) view.close();
  t.equal(one.hearing, 0, 'what is closed is forgotten');
});
