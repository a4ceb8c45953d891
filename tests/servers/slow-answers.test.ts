/**
 * Servers that take long over a question, as Dovecot does over a mailbox whose folders have no index: INBOX is open meanwhile, whoever asks is
 * told what is waited for, a revoke waits for nothing of it, and it isn't called a broken connection.
 */
import t, { type Test } from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { routeThrough, startProxy } from './imap-proxy.ts';
import { type Inside, runInside, verify } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entriesOf, FULL, granted, seen, sharedName, sorted } from './wire.ts';

const LIMIT_MS = 60_000;
const WITH_IDS = /^\S+ LIST .*STATUS/;

interface Slow {
  readonly site: Site;
  readonly sidecar: Inside;
  /** From now on the server hears of such a line only when it is let go. */
  hold(lines: RegExp): void;
  letGo(): void;
  readonly held: () => number;
}

/** `seconds`: how long the server may be silent; ten times as long where we are patient. */
async function slowSite(
  t: Test,
  seconds: number,
  before: (site: Site) => Promise<void> = async () => {},
): Promise<Slow> {
  const site = await startSite({
    users: ['alice', 'bob'],
    inherit: false,
    postfix: false,
    extraImap: `timeout_seconds = ${seconds}`,
  });
  t.teardown(() => site.stop());
  await does(site, 'alice', 'CREATE Projets');
  await site.register('alice', 'bob');
  await before(site);
  let lines: RegExp | undefined;
  let held = 0;
  let release: () => void = () => {};
  let released = Promise.resolve();
  const proxy = await startProxy(site.lab.imap, async (line) => {
    if (lines?.test(line) === true) {
      held++;
      await released;
    }
    return 'pass' as const;
  });
  t.teardown(() => proxy.close());
  await routeThrough(site, proxy);
  const sidecar = await runInside(site);
  t.teardown(() => sidecar.stop());
  await sidecar.idle();
  return {
    site,
    sidecar,
    hold: (which) => {
      lines = which;
      released = new Promise((resolve) => {
        release = resolve;
      });
    },
    letGo: () => {
      lines = undefined;
      release();
    },
    held: () => held,
  };
}

const inForce = (site: Site) =>
  waitFor('in force', LIMIT_MS, async () => (await entriesOf(site, 'alice', 'bob')).INBOX === FULL);

/** Told as slow, and for longer already than a server may be silent. */
const toldAsSlow = (site: Site) =>
  waitFor('told as slow', LIMIT_MS, async () => {
    const status = JSON.parse((await site.mandat('--json', 'status')).stdout) as { slow: readonly { since: string }[] };
    return status.slow.some(({ since }) => Date.now() - Date.parse(since) > 3500);
  });

t.test('the list of folders with their ids', async (t) => {
  const slow = await slowSite(t, 3);
  const { site } = slow;
  slow.hold(WITH_IDS);
  await grantRow(site, 'alice', 'bob');
  await inForce(site);
  await toldAsSlow(site);
  const line = /waits since .* for the list of the folders of alice@lab\.test with their ids/;
  t.match((await site.mandat('status')).stdout, line);
  t.match((await site.mandat('explain', at('alice'))).stdout, line);
  t.match(JSON.parse((await site.mandat('--json', 'status')).stdout), {
    slow: [{ mailbox: at('alice'), since: String, what: String }],
    failures: [],
  });
  t.same((await entriesOf(site, 'alice', 'bob')).INBOX, FULL, 'the INBOX is open all the while');
  slow.letGo();
  await site.settled(LIMIT_MS);
  t.strictSame(await seen(site, 'alice', 'bob'), granted('Projets'));
  t.same(await verify(site), []);
  t.match(JSON.parse((await site.mandat('--json', 'status')).stdout), { slow: [] });
});

t.test('the first look into a mailbox, over which everything waits', async (t) => {
  const slow = await slowSite(t, 3);
  const { site } = slow;
  slow.hold(/^\S+ GETACL "?INBOX/);
  await grantRow(site, 'alice', 'bob');
  await toldAsSlow(site);
  t.match((await site.mandat('status')).stdout, /for the IMAP server to open the mailbox of alice@lab\.test/);
  slow.letGo();
  await site.settled(LIMIT_MS);
  t.same(
    slow.sidecar.log().filter(({ msg }) => /failed|ended the connection/.test(String(msg))),
    [],
    'no attempt has failed',
  );
  t.strictSame(await seen(site, 'alice', 'bob'), granted('Projets'));
});

t.test('a revoke meanwhile', async (t) => {
  const slow = await slowSite(t, 3);
  const { site } = slow;
  slow.hold(WITH_IDS);
  await grantRow(site, 'alice', 'bob');
  await inForce(site);
  await toldAsSlow(site);
  const open = await site.login('bob');
  t.equal((await open.command(`SELECT "${sharedName('alice', 'INBOX')}"`)).status, 'OK');
  await revokeRow(site, 'alice', 'bob');
  await open.waitForBye(LIMIT_MS);
  t.same((await entriesOf(site, 'alice', 'bob')).INBOX, undefined, 'while the list is still awaited');
  slow.letGo();
  await site.settled(LIMIT_MS);
  t.same(await entriesOf(site, 'alice', 'bob'), {});
});

t.test('what stood there before the grant is known all the same', async (t) => {
  const slow = await slowSite(t, 3, (site) =>
    does(
      site,
      'alice',
      'CREATE Avant',
      `SETACL Avant ${at('bob')} lrswipkxte`,
      'CREATE Autre',
      `SETACL Autre ${at('bob')} lr`,
    ),
  );
  const { site } = slow;
  slow.hold(WITH_IDS);
  await grantRow(site, 'alice', 'bob');
  await inForce(site);
  await does(site, 'alice', 'DELETE Projets', 'CREATE Projets', 'CREATE INBOX/Copie', 'CREATE Avant/Copie');
  slow.letGo();
  await site.settled(LIMIT_MS);
  t.match(await seen(site, 'alice', 'bob'), granted('Avant', 'Autre', 'Projets', 'Avant/Copie'));
  await revokeRow(site, 'alice', 'bob');
  await site.settled(LIMIT_MS);
  const left = await entriesOf(site, 'alice', 'bob');
  t.same({ Avant: left.Avant, Autre: left.Autre }, { Avant: FULL, Autre: sorted('lr') });
  t.same(
    Object.keys(left).filter((folder) => !['Avant', 'Autre'].includes(folder)),
    [],
    'no copy of ours passes for it',
  );
});

t.test('one that never answers', async (t) => {
  const slow = await slowSite(t, 1);
  const { site } = slow;
  slow.hold(WITH_IDS);
  await grantRow(site, 'alice', 'bob');
  const failed = await waitFor('a failure', LIMIT_MS, async () => {
    const { failures } = JSON.parse((await site.mandat('--json', 'status')).stdout) as {
      failures: readonly { message: string; hint: string }[];
    };
    return failures[0];
  });
  t.match(failed, { code: 'retry', message: /has not answered LIST for 10 s/, hint: /without an index/ });
  t.notMatch(failed.message, /ended the connection/);
  slow.letGo();
  await site.settled(LIMIT_MS);
  t.strictSame(await seen(site, 'alice', 'bob'), granted('Projets'));
});

t.test('a revoke for which the list never comes: it is asked for anew, and waited for then', async (t) => {
  const slow = await slowSite(t, 2);
  const { site } = slow;
  await grantRow(site, 'alice', 'bob');
  await site.settled(LIMIT_MS);
  slow.hold(WITH_IDS);
  await revokeRow(site, 'alice', 'bob');
  const said = (words: RegExp) => slow.sidecar.log().some(({ msg }) => words.test(String(msg)));
  await waitFor('a failure', LIMIT_MS, () => said(/has not answered LIST/));
  t.ok(said(/has not answered LIST for 2 s/), 'the first time as long as for any answer');
  await toldAsSlow(site);
  slow.letGo();
  await site.settled(LIMIT_MS);
  t.same(await entriesOf(site, 'alice', 'bob'), {});
});
