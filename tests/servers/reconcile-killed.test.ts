/** `mandat run` as a process: killed, asked to leave, started twice. */
import t, { type Test } from 'tap';
import { ENTRIES_AT_ONCE } from '../../bridge/reconcile/tree.ts';
import { waitFor, within } from '../../config/lab/wait.ts';
import { type Fate, routeThrough, startProxy } from './imap-proxy.ts';
import { verify } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entries, granted, seen, subscribed } from './wire.ts';

const bob = at('bob');
const FOLDERS = ['Affaires', 'Projets'];
const LIMIT_MS = 30_000;
const KILL_LIMIT_MS = 90_000;

t.test('where each change has to be made in each folder', async (t) => {
  const site = await startSite({ inherit: false, users: ['alice', 'bob'], postfix: false });
  t.teardown(() => site.stop());
  await does(site, 'alice', ...FOLDERS.map((folder) => `CREATE ${folder}`), `SETACL Affaires ${bob} lrs`);
  await site.register('alice', 'bob');
  await t.test('killed', (t) => killed(t, site));
  await t.test('a grant that was killed, and the revoke of it', (t) => bothKilled(t, site));
  await t.test('asked to leave in the middle of a pass', (t) => asked(t, site));
  await t.test('started twice', (t) => twice(t, site));
});

/** Counts the commands that match, and says what becomes of the n-th. */
const nth = (pattern: RegExp, which: number, fate: Fate) => {
  let count = 0;
  return (line: string): Fate => (pattern.test(line) && ++count === which ? fate : 'pass');
};

/** At which command, and whether the server has done it. */
const GRANT = [
  ['the entry on INBOX', nth(/ SETACL "INBOX"/, 1, 'freeze-after')],
  ['a subscription', nth(/ SUBSCRIBE /, 3, 'freeze')],
] as const;
const REVOKE = [
  ['the entry on INBOX', nth(/ DELETEACL "INBOX"/, 1, 'freeze-after')],
  ['the end of a subscription', nth(/ UNSUBSCRIBE /, 2, 'freeze')],
] as const;

async function killed(t: Test, site: Site): Promise<void> {
  for (const [what, fate] of GRANT) {
    await killedAt(site, fate, () => grantRow(site, 'alice', 'bob'));
    t.strictSame(await seen(site, 'alice', 'bob'), granted(...FOLDERS), `a grant, at ${what}`);
    t.same(subscribed(site, 'alice', 'bob'), Object.keys(granted(...FOLDERS)).sort());
    if (what === GRANT[0][0]) {
      await revokeRow(site, 'alice', 'bob');
      await withSidecar(site, () => site.settled());
    }
  }
  for (const [what, fate] of REVOKE) {
    await killedAt(site, fate, () => revokeRow(site, 'alice', 'bob'));
    const there = Object.entries(await entries(site, 'alice')).filter(([, entry]) => Object.keys(entry).length > 0);
    t.same(there, [['Affaires', { [bob]: 'lrs' }]], `a revoke, at ${what}: what stood before, and nothing else`);
    t.same(subscribed(site, 'alice', 'bob'), []);
    if (what === REVOKE[0][0]) {
      await grantRow(site, 'alice', 'bob');
      await withSidecar(site, () => site.settled());
    }
  }
  t.same(await verify(site), []);
}

/** The entry stood, so they may have been in, though no grant was ever recorded as in force. */
async function bothKilled(t: Test, site: Site): Promise<void> {
  await revokeRow(site, 'alice', 'bob');
  await withSidecar(site, () => site.settled());
  const moves = async () =>
    (JSON.parse((await site.mandat('--json', 'history', at('alice'))).stdout) as { action: string }[])
      .map(({ action }) => action)
      .filter((action) => ['in-force', 'withdrawn', 'ended'].includes(action));
  const before = (await moves()).length;
  await killAt(site, nth(/ SETACL "INBOX"/, 1, 'freeze-after'), () => grantRow(site, 'alice', 'bob'));
  await revokeRow(site, 'alice', 'bob'); // while none runs, which would go on with the grant
  await killAt(site, nth(/ DELETEACL "INBOX"/, 1, 'freeze-after'));
  await withSidecar(site, () => site.settled());
  t.same((await moves()).slice(before), ['withdrawn', 'ended'], 'its end is in the trail, once');
  t.same(await verify(site), []);
}

async function killedAt(site: Site, fate: (line: string) => Fate, change: () => Promise<void>): Promise<void> {
  await killAt(site, fate, change);
  await withSidecar(site, () => site.settled());
}

async function killAt(site: Site, fate: (line: string) => Fate, change = async () => {}): Promise<void> {
  const proxy = await startProxy(site.lab.imap, fate);
  try {
    await routeThrough(site, proxy);
    const first = await site.run();
    await change();
    await within('it comes to the command at which it is killed', KILL_LIMIT_MS, proxy.frozen);
    await first.end('SIGKILL');
  } finally {
    await routeThrough(site, site.lab.imap);
    await proxy.close();
  }
}

async function withSidecar(site: Site, work: () => Promise<void>): Promise<void> {
  const sidecar = await site.run();
  await work();
  await sidecar.end();
}

async function asked(t: Test, site: Site): Promise<void> {
  let leave = async () => {};
  const proxy = await startProxy(site.lab.imap, async (line): Promise<Fate> => {
    if (/ SETACL "Sent"/.test(line)) await leave();
    return 'pass';
  });
  t.teardown(() => proxy.close());
  await routeThrough(site, proxy);
  const sidecar = await site.run();
  const ended = new Promise<number | null>((resolve) => {
    leave = async () => {
      leave = async () => {};
      void sidecar.end('SIGTERM').then(resolve);
      await waitFor('the signal to arrive', LIMIT_MS, () => sidecar.log().some(({ msg }) => msg === 'asked to stop'));
    };
  });
  await grantRow(site, 'alice', 'bob');
  t.equal(await ended, 0, 'it leaves with status 0');
  const log = sidecar.log();
  t.equal(log.at(-1)?.msg, 'stopped');
  t.same(
    log.filter(({ level }) => Number(level) >= 50),
    [],
    'and nothing to complain about',
  );
  const given = log.filter(({ msg }) => msg === 'set-entry').map(({ folder }) => folder);
  t.ok(given.includes('Sent') && given.length - given.indexOf('Sent') <= ENTRIES_AT_ONCE, 'after the step in hand');
  t.notOk(log.some(({ msg }) => msg === 'subscribe'));
  t.equal(await site.sql('SELECT count(*) FROM pending'), '1\n', 'the rest is left for the next');
  await routeThrough(site, site.lab.imap);
  await withSidecar(site, () => site.settled());
  t.strictSame(await seen(site, 'alice', 'bob'), granted(...FOLDERS), 'which does it');
}

async function twice(t: Test, site: Site): Promise<void> {
  await withSidecar(site, async () => {
    const second = await site.mandat('run');
    t.match(second, { status: 3, stderr: /MANDAT_RUNNING/ });
    t.match(await site.mandat('status'), { status: 0, stdout: /running/ });
  });
}
