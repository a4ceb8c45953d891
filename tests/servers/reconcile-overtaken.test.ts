/** What happens while a pass is under way: it ends true all the same. */
import t, { type Test } from 'tap';
import { openState } from '../../bridge/configured/stores.ts';
import { paused } from '../../bridge/safeguards/pause.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { type Fate, routeThrough, startProxy } from './imap-proxy.ts';
import { configOf, type Inside, type Line, runInside, stepsIn, verify } from './inside.ts';
import { grantRow, named, revokeRow, VARIANTS } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entriesOf, granted, seen, subscribed } from './wire.ts';

const LIMIT_MS = 30_000;
const FOLDERS = ['Projets', 'Vieux'];

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({ ...variant, users: ['alice', 'bob', 'carol'], postfix: false });
    const moment: Moment = { at: / /, now: undefined };
    const proxy = await startProxy(site.lab.imap, async (line): Promise<Fate> => {
      const { now } = moment;
      if (now === undefined || !moment.at.test(line)) return 'pass';
      moment.now = undefined;
      await now();
      return 'pass';
    });
    await does(site, 'alice', ...FOLDERS.map((folder) => `CREATE ${folder}`));
    await site.register('alice', 'bob', 'carol');
    await routeThrough(site, proxy);
    const sidecar = await runInside(site);
    t.teardown(async () => {
      await sidecar.stop();
      await proxy.close();
      await site.stop();
    });
    await sidecar.idle();
    for (const [what, work] of CASES) {
      await t.test(what, async (t) => {
        const from = sidecar.log().length;
        await work(t, site, moment, () => sidecar.log().slice(from));
        t.equal(moment.now, undefined, 'it did happen in between');
        t.same(errors(sidecar.log().slice(from)), [], 'without an error in the log');
        t.same(await verify(site), []);
      });
    }
    await t.test('the mailbox removed and made anew at once', (t) => madeAnew(t, site, sidecar));
  });
}

/** What is done before a command goes on to the server, once. */
interface Moment {
  at: RegExp;
  now: (() => Promise<unknown>) | undefined;
}

type Case = (t: Test, site: Site, moment: Moment, log: Inside['log']) => Promise<void>;

const CASES: readonly (readonly [string, Case])[] = [
  ['a revoke overtakes a grant', revokeOvertakes],
  ['a pause overtakes a grant', pauseOvertakes],
  ['a second grant', secondGrant],
  ['folders that go and come during a grant', duringGrant],
  ['folders that come during a revoke', duringRevoke],
  ['a revoke that is taken back', takenBack],
];

async function revokeOvertakes(t: Test, site: Site, moment: Moment, log: Inside['log']): Promise<void> {
  Object.assign(moment, { at: / SETACL "(Sent|Junk)"/, now: () => revokeRow(site, 'alice', 'bob') });
  await grantRow(site, 'alice', 'bob');
  await site.settled();
  t.same(await entriesOf(site, 'alice', 'bob'), {});
  t.same(await seen(site, 'alice', 'bob'), {});
  const kinds = stepsIn(log()).map(({ kind }) => kind);
  t.notOk(kinds.includes('subscribe'), 'the rest of the grant is not done');
  t.notOk(kinds.slice(kinds.indexOf('delete-entry')).includes('set-entry'), 'and nothing is given again');
}

async function pauseOvertakes(t: Test, site: Site, moment: Moment, log: Inside['log']): Promise<void> {
  let pausing: ReturnType<Site['mandat']> | undefined;
  Object.assign(moment, {
    at: / SETACL "(Sent|Junk)"/,
    now: async () => {
      pausing = site.mandat('pause'); // which is over when nothing is in hand any more
      const state = await openState(configOf(site), { readonly: true });
      await waitFor('the pause', LIMIT_MS, async () => (await paused(state)) !== undefined);
      await state.close();
    },
  });
  await grantRow(site, 'alice', 'bob');
  await waitFor('the pass has come so far', LIMIT_MS, () => pausing !== undefined);
  t.match(await pausing, { status: 0 });
  t.notOk(
    stepsIn(log()).some(({ kind }) => kind === 'subscribe'),
    'the rest of the grant is not done',
  );
  t.match(await site.mandat('resume'), { status: 0 });
  await site.settled();
  t.strictSame(await seen(site, 'alice', 'bob'), granted(...FOLDERS), 'but afterwards');
  await revokeRow(site, 'alice', 'bob');
  await site.settled();
}

async function secondGrant(t: Test, site: Site, moment: Moment): Promise<void> {
  Object.assign(moment, { at: / SUBSCRIBE /, now: () => grantRow(site, 'alice', 'carol') });
  await grantRow(site, 'alice', 'bob');
  await site.settled();
  for (const delegate of ['bob', 'carol']) {
    t.strictSame(await seen(site, 'alice', delegate), granted(...FOLDERS));
    t.same(subscribed(site, 'alice', delegate), Object.keys(granted(...FOLDERS)).sort(), 'nobody is forgotten');
  }
  await revokeRow(site, 'alice', 'bob', 'carol');
  await site.settled();
}

async function duringGrant(t: Test, site: Site, moment: Moment): Promise<void> {
  Object.assign(moment, {
    at: / SETACL "(Sent|Junk)"/,
    now: () => does(site, 'alice', 'DELETE Vieux', 'CREATE Projets/Tard', 'CREATE Tard'),
  });
  await grantRow(site, 'alice', 'bob');
  await site.settled();
  await site.sql('UPDATE mailbox SET eligible = 1'); // the sweep that comes anyhow, now
  await site.settled();
  t.strictSame(await seen(site, 'alice', 'bob'), granted('Projets', 'Projets/Tard', 'Tard'));
}

async function duringRevoke(t: Test, site: Site, moment: Moment): Promise<void> {
  await does(site, 'alice', `SETACL Projets ${at('bob')} lrswipkxte`);
  Object.assign(moment, {
    at: / DELETEACL "(Sent|Junk|Trash)"/,
    now: () =>
      does(site, 'alice', 'CREATE Projets/Trop', 'CREATE Sent/Trop', 'RENAME Tard Autre', 'DELETE Projets/Tard'),
  });
  await revokeRow(site, 'alice', 'bob');
  await site.settled();
  t.same(await entriesOf(site, 'alice', 'bob'), {}, 'a copy made in between goes too');
  t.same(await seen(site, 'alice', 'bob'), {});
}

async function takenBack(t: Test, site: Site, moment: Moment): Promise<void> {
  await does(site, 'alice', `SETACL Projets ${at('bob')} lrs`);
  await grantRow(site, 'alice', 'bob');
  await site.settled();
  const had = await seen(site, 'alice', 'bob');
  Object.assign(moment, { at: / DELETEACL "(Sent|Junk|Trash)"/, now: () => grantRow(site, 'alice', 'bob') });
  await revokeRow(site, 'alice', 'bob');
  await site.settled();
  t.strictSame(await seen(site, 'alice', 'bob'), had, 'they have all of it');
  await revokeRow(site, 'alice', 'bob');
  await site.settled();
  t.same(await entriesOf(site, 'alice', 'bob'), { Projets: 'lrs' }, 'and what stood before the first is not lost');
  await does(site, 'alice', `DELETEACL Projets ${at('bob')}`);
}

async function madeAnew(t: Test, site: Site, sidecar: Inside): Promise<void> {
  await grantRow(site, 'alice', 'bob');
  await site.settled();
  const had = await seen(site, 'alice', 'bob');
  await site.sql(`BEGIN; DELETE FROM mailbox WHERE address = '${at('alice')}';
    INSERT INTO mailbox (address) VALUES ('${at('alice')}');
    INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}'); COMMIT;`);
  await site.settled();
  t.strictSame(await seen(site, 'alice', 'bob'), had);
  t.same(await verify(site), []);
  // The new mailbox may find the old one's delegation still being taken back: it waits its turn.
  const others = errors(sidecar.log()).filter(({ code }) => code !== 'retry');
  t.same(others, []);
}

function errors(log: readonly Line[]): readonly Line[] {
  return log.filter(({ level }) => Number(level) >= 50);
}
