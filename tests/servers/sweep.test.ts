/** A sweep logs in once a person: what it finds on either side it mends, what is more urgent goes before it, and it keeps to its budget. */
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { sweepsUnder } from '../../bridge/sidecar/sweeping.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { editConfig } from './configure.ts';
import { type Fate, routeThrough, startProxy } from './imap-proxy.ts';
import { configOf, type Inside, runInside, verify } from './inside.ts';
import { grantRow, named, revokeRow, VARIANTS } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entriesOf, granted, seen } from './wire.ts';

const OWNERS = ['alice', 'anne', 'aude'];
const DELEGATES = ['bob', 'carol'];
const LIMIT_MS = 60_000;
/** Nothing but sweeps looks at anything. */
const QUIET = '[schedule]\nfolder_look_seconds = 0\nsweep_logins_per_second = 0\n';

/** Who was logged in as, and when; `now`: done once, before the first login as that person. */
interface Door {
  readonly logins: { readonly login: string; readonly at: number }[];
  at: string | undefined;
  now: (() => Promise<unknown>) | undefined;
  readonly shut: Set<string>;
}

async function fate(door: Door, line: string): Promise<Fate> {
  const [, command, , response] = line.split(' ');
  if (command?.toUpperCase() !== 'AUTHENTICATE') return 'pass';
  const [authzid = '', user = ''] = Buffer.from(response ?? '', 'base64')
    .toString()
    .split('\0');
  const login = (authzid || user).split('*')[0] ?? '';
  door.logins.push({ login, at: performance.now() });
  const { now } = door;
  if (now !== undefined && login === door.at) {
    door.now = undefined;
    await now();
  }
  return door.shut.has(login) ? { reply: 'NO [AUTHORIZATIONFAILED] no such user' } : 'pass';
}

const swept = (sidecar: Inside) => sidecar.log().filter(({ msg }) => msg === 'sweep done').length;

/** One whole sweep, from its beginning. Returns who was logged in as, each as often as it was. */
async function sweep(site: Site, sidecar: Inside, door: Door): Promise<readonly string[]> {
  const before = swept(sidecar);
  door.logins.length = 0;
  await sidecar.sidecar.reload(configOf(site));
  await waitFor('a sweep', LIMIT_MS, () => swept(sidecar) > before);
  return door.logins.map(({ login }) => login).sort();
}

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({ ...variant, users: [...OWNERS, ...DELEGATES], postfix: false, extraToml: QUIET });
    const door: Door = { logins: [], at: undefined, now: undefined, shut: new Set() };
    const proxy = await startProxy(site.lab.imap, (line) => fate(door, line));
    await routeThrough(site, proxy);
    for (const owner of OWNERS) {
      await does(site, owner, 'CREATE Projets');
      await site.register(owner, ...DELEGATES);
      await grantRow(site, owner, ...DELEGATES);
    }
    const sidecar = await runInside(site);
    t.teardown(async () => {
      await sidecar.stop();
      await proxy.close();
      await site.stop();
    });
    await site.settled(LIMIT_MS);
    await sidecar.idle();
    const here: Here = { site, sidecar, door, once: [...OWNERS, ...DELEGATES].map(at).sort() };
    await sweep(site, sidecar, door); // what a first pass could not subscribe anybody to yet
    await t.test('one login a person', async (t) => t.same(await sweep(site, sidecar, door), here.once));
    await t.test('what differs on either side is mended', (t) => drift(t, here));
    await t.test('a revoke between the two sides', (t) => revokedBetween(t, here));
    await t.test('a grant waits for no sweep', (t) => grantedMeanwhile(t, here));
    await t.test('a delegate who can not be logged in stops no other', (t) => refused(t, here));
    await t.test('within its budget', (t) => withinBudget(t, here));
    t.same(await verify(site), []);
  });
}

interface Here {
  readonly site: Site;
  readonly sidecar: Inside;
  readonly door: Door;
  /** Everybody, once. */
  readonly once: readonly string[];
}

async function drift(t: Test, { site, sidecar, door, once }: Here): Promise<void> {
  await does(site, 'alice', `DELETEACL INBOX ${at('bob')}`);
  await does(site, 'anne', `SETACL Projets ${at('carol')} lr`);
  await does(site, 'aude', `SETACL Projets ${at('bob')} +a`, `SETACL Projets ${at('carol')} +a`);
  await sweep(site, sidecar, door);
  t.same(await seen(site, 'alice', 'bob'), granted('Projets'), 'as the owner sees it');
  t.same(await seen(site, 'anne', 'carol'), granted('Projets'), 'as the delegate sees it');
  for (const name of DELEGATES)
    t.same(await seen(site, 'aude', name), granted('Projets'), `${name} administers nothing`);
  t.same(await sweep(site, sidecar, door), once, 'and the next one finds nothing');
  const state = new Database(site.stateFile, { readonly: true });
  const told = state
    .prepare("SELECT delegate FROM audit WHERE action = 'administer-taken' ORDER BY delegate")
    .pluck()
    .all();
  state.close();
  t.strictSame(told, DELEGATES.map(at), 'each is told of once, when it is taken');
}

/** What is looked at in carol's session was found right in alice's before the revoke. */
async function revokedBetween(t: Test, { site, sidecar, door }: Here): Promise<void> {
  door.at = at('carol');
  door.now = async () => {
    await revokeRow(site, 'alice', 'carol');
    await waitFor('it is gone', LIMIT_MS, async () => (await entriesOf(site, 'alice', 'carol')).INBOX === undefined);
  };
  await sweep(site, sidecar, door);
  await site.settled(LIMIT_MS);
  t.same(await seen(site, 'alice', 'carol'), {}, 'it stays so');
  t.same(await verify(site), []);
}

async function grantedMeanwhile(t: Test, { site, sidecar, door }: Here): Promise<void> {
  door.at = at('bob');
  const from = sidecar.log().length;
  door.now = async () => {
    await grantRow(site, 'alice', 'carol');
    await waitFor('in force', LIMIT_MS, async () => (await entriesOf(site, 'alice', 'carol')).INBOX !== undefined);
  };
  await sweep(site, sidecar, door);
  await site.settled(LIMIT_MS);
  t.same(await seen(site, 'alice', 'carol'), granted('Projets'));
  const given = ({ msg, login }: Record<string, unknown>) => msg === 'set-entry' && login === at('carol');
  const log = sidecar.log().slice(from);
  t.ok(log.findIndex(given) < log.findIndex(({ msg }) => msg === 'sweep done'), 'while the sweep went on');
}

async function refused(t: Test, { site, sidecar, door }: Here): Promise<void> {
  door.shut.add(at('carol'));
  await does(site, 'aude', `SETACL Projets ${at('bob')} lr`);
  await sweep(site, sidecar, door);
  await waitFor(
    'mended',
    LIMIT_MS,
    async () => (await seen(site, 'aude', 'bob')).Projets === granted('Projets').Projets,
  );
  const status = JSON.parse((await site.mandat('--json', 'status')).stdout);
  t.equal(status.failing, OWNERS.length, 'each mailbox of theirs fails, and says why');
  t.match(status.failures[0].message, /no account carol@/);
  door.shut.clear();
  await sweep(site, sidecar, door);
  await waitFor(
    'none fails',
    LIMIT_MS,
    async () => JSON.parse((await site.mandat('--json', 'status')).stdout).failing === 0,
  );
}

async function withinBudget(t: Test, { site, sidecar, door, once }: Here): Promise<void> {
  await editConfig(site, (toml) => toml.replace('sweep_logins_per_second = 0', 'sweep_logins_per_second = 2'));
  const began = performance.now();
  t.same([...new Set(await sweep(site, sidecar, door))], once);
  // Two that were left over, and two that each second gives; what another pass asked for beside it makes it no sooner.
  const took = (door.logins.at(-1)?.at ?? 0) - began;
  t.ok(took >= ((once.length - 2) / 2) * 1000 - 50, `${once.length} people in ${took} ms`);
}

t.test('a sweep that was broken off goes on where it stopped, and only under the same configuration', async (t) => {
  const site = await startSite({ users: [...OWNERS, 'bob'], postfix: false, extraToml: QUIET });
  t.teardown(() => site.stop());
  const door: Door = { logins: [], at: undefined, now: undefined, shut: new Set() };
  const proxy = await startProxy(site.lab.imap, (line) => fate(door, line));
  t.teardown(() => proxy.close());
  await routeThrough(site, proxy);
  for (const owner of OWNERS) {
    await site.register(owner, 'bob');
    await grantRow(site, owner, 'bob');
  }
  const run = async () => {
    const sidecar = await runInside(site);
    await site.settled(LIMIT_MS);
    await sidecar.idle();
    await sidecar.stop();
    return door.logins.map(({ login }) => login).sort();
  };
  await run();
  const brokenOff = (under: string) => {
    const state = new Database(site.stateFile);
    const since = new Date().toISOString();
    state.prepare('UPDATE outcomes SET verified_at = ? WHERE address <> ?').run(since, at('anne'));
    const begun = { at: since, under, looked: 2 };
    state.prepare("INSERT OR REPLACE INTO facts (name, value) VALUES ('sweep-begun', ?)").run(JSON.stringify(begun));
    state.close();
    door.logins.length = 0;
  };
  brokenOff(sweepsUnder(configOf(site)));
  t.same(await run(), ['anne', 'bob'].map(at), 'what was left');
  brokenOff('another configuration');
  t.same(await run(), [...OWNERS, 'bob'].map(at).sort(), 'all of it');
});
