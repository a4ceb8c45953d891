/** How looks at folders keep to their rate, and out of the way. What they find: tests/servers/folder-look.test.ts. */
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { canonical } from '../../acl/rights.ts';
import type { MailServer, OwnerView } from '../../bridge/reconcile/driver-interfaces.ts';
import { lastLookRound, lookAtFolders } from '../../bridge/sidecar/folder-look.ts';
import { openClock } from '../../bridge/store/state/facts.ts';
import { rememberFolders } from '../../bridge/store/state/folders-seen.ts';
import { beginGrant, enterForce } from '../../bridge/store/state/ledger.ts';
import type { StateDb } from '../../bridge/store/state/state-db.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { loadConfig } from '../../config/load.ts';
import { freshState } from '../store/fresh.ts';

const NOW = '2026-11-23T08:00:00.000Z';
const LIMIT_MS = 60_000;
const MAILBOXES = [1, 2, 3, 4, 5];
const FOLDERS = [{ name: 'INBOX', id: 'a', specialUse: false, subscribed: true }];

/** Five mailboxes, two delegates in the first: what passes have seen is what the server has, but for the third. */
async function world(t: Test): Promise<StateDb> {
  const state = await freshState(t);
  const pairs = [...MAILBOXES.map((mailboxId) => [mailboxId, 'bob'] as const), [1, 'carol'] as const];
  for (const [mailboxId, login] of pairs) {
    const about = {
      mailboxId,
      delegateId: 1,
      address: `m${mailboxId}`,
      server: 'main',
      ownerLogin: `m${mailboxId}`,
      login,
    };
    const rights = { inboxBefore: undefined, foldersBefore: [], given: [canonical('lr')] };
    await beginGrant(state, { ...about, ...rights }, NOW);
    await enterForce(state, mailboxId, NOW);
    await rememberFolders(state, 'main', `m${mailboxId}`, mailboxId === 3 ? [] : FOLDERS);
  }
  return state;
}

interface Looked {
  readonly logins: string[];
  readonly found: number[];
  atOnce: number;
  /** From the first login to the last one. */
  readonly times: number[];
}

async function looking(t: Test, state: StateDb, pressed: () => boolean, perSecond: number): Promise<Looked> {
  const looked: Looked = { logins: [], found: [], atOnce: 0, times: [] };
  let open = 0;
  const asOwner = async (login: string) => {
    looked.atOnce = Math.max(looked.atOnce, ++open);
    looked.logins.push(login);
    looked.times.push(performance.now());
    if (login === 'm2') {
      open--;
      throw new Error('no such account');
    }
    return { login, folders: async () => FOLDERS, close: () => void open-- } as unknown as OwnerView;
  };
  const server = { name: 'main', asOwner } as unknown as MailServer;
  const schedule = {
    add: (mailboxId: number) => void looked.found.push(mailboxId),
    get pressed() {
      return pressed();
    },
  };
  const { schedule: settings } = loadConfig({
    path: new URL('../../config/mandat.toml', import.meta.url).pathname,
    env: {},
    cwd: '/',
  });
  const clock = await openClock(state);
  const often = { ...settings, folderLookSeconds: 0.05, folderLooksPerSecond: perSecond };
  const looks = lookAtFolders({ state, server, clock }, schedule, often, pino({ level: 'silent' }));
  t.teardown(() => looks.close());
  return looked;
}

t.test('each in turn, no two at once, and no faster than allowed', async (t) => {
  const state = await world(t);
  const looked = await looking(t, state, () => false, 50);
  await waitFor('two rounds', LIMIT_MS, () => looked.logins.length >= 10);
  const round = MAILBOXES.map((id) => `m${id}`);
  t.same(looked.logins.slice(0, 10), [...round, ...round], 'round robin, each mailbox once');
  t.equal(looked.atOnce, 1);
  t.ok((looked.times[9] ?? 0) - (looked.times[0] ?? 0) >= 9 * 15, 'nine pauses of 20 ms');
  t.same([...new Set(looked.found)], [3], 'only what differs; one that cannot be looked at is no difference');
  const told = await lastLookRound(state);
  t.match(told, { mailboxes: 5, everySeconds: 1 });
});

t.test('a rate that a round does not fit in: the round says how long it takes', async (t) => {
  const state = await world(t);
  const looked = await looking(t, state, () => false, 4);
  await waitFor('a round', LIMIT_MS, async () => (await lastLookRound(state)) !== undefined);
  t.ok(looked.logins.length >= 5);
  t.ok(((await lastLookRound(state))?.everySeconds ?? 0) >= 1);
});

t.test('nothing while a revoke or a grant waits', async (t) => {
  const state = await world(t);
  let asked = 0;
  let pressed = true;
  const waits = () => pressed && ++asked > 0;
  const looked = await looking(t, state, waits, 1000);
  await waitFor('it has asked a few times', LIMIT_MS, () => asked > 3);
  t.same(looked.logins, []);
  pressed = false;
  await waitFor('a round', LIMIT_MS, () => looked.logins.length >= 5);
});

t.test('0: never', async (t) => {
  const none = {} as never;
  await lookAtFolders(none, none, { folderLookSeconds: 0 } as never, none).close();
  t.pass('nothing of all that is touched');
});
