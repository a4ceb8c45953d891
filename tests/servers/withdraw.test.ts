/** All of it withdrawn at once, and brought back: by the sidecar where one runs, else by the command itself. */
import t from 'tap';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { openSenderMap } from '../../bridge/store/published/sender-map.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { configOf } from './inside.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entries, entriesOf, granted, SPECIALS, seen, sorted, subscribed, withLogin } from './wire.ts';

const OWNERS = ['alice', 'erin'];
const DELEGATES = ['bob', 'carol'];
const LIMIT_MS = 60_000;

let site: Site;
t.before(async () => {
  site = await startSite({ users: [...OWNERS, ...DELEGATES, 'dave'], reuse: false });
  await does(site, 'alice', ...SPECIALS.map((folder) => `STATUS ${folder} (MESSAGES)`));
  await does(site, 'alice', 'CREATE Projets', `SETACL INBOX ${at('dave')} lrs`, `SETACL Projets ${at('bob')} lr`);
  await site.register('alice', ...DELEGATES);
  await site.register('erin');
});
t.teardown(() => site?.stop());

/** All that stands on the servers, by folder, without our own: dave's and bob's of before. */
const BEFORE = { INBOX: { [at('dave')]: sorted('lrs') }, Projets: { [at('bob')]: sorted('lr') } };

async function foreign() {
  const all: Record<string, Record<string, string>> = {};
  for (const [folder, of] of Object.entries(await entries(site, 'alice'))) {
    const others = Object.entries(of).filter(([login]) => login !== at('alice'));
    if (others.length > 0) all[folder] = Object.fromEntries(others);
  }
  return all;
}

/** How many of the published rules let this login send. */
function rulesOf(login: string): number {
  const map = openSenderMap(dataFiles(configOf(site).dataDir).senderDirectory, { readonly: true });
  try {
    return map.all().filter((rule) => rule.login === login).length;
  } finally {
    map.close();
  }
}

t.test('it asks, and a script must say so', async (t) => {
  for (const way of [[], ['--all', '--undo']])
    t.match(await site.mandat('withdraw', ...way), { status: 2, stderr: /--all or --undo[\s\S]*mandat revoke/ });
  t.match(await site.mandat('withdraw', '--all'), { status: 2, stderr: /nothing was changed/ });
  t.match(await site.mandat('withdraw', '--undo', '--quiet'), { status: 2 });
  t.match(await site.mandat('withdraw', '--undo', '--yes'), { status: 0, stdout: /nothing was withdrawn/ });
  t.match(await site.mandat('--as', `owner:${at('alice')}`, 'withdraw', '--all', '--yes'), { status: 3 });
});

for (const sidecar of [true, false]) {
  t.test(sidecar ? 'by the sidecar' : 'without one', async (t) => {
    if (sidecar) await site.run();
    if (sidecar) for (const owner of OWNERS) await grantRow(site, owner, ...DELEGATES);
    await site.mandat('sync');
    t.same(await seen(site, 'alice', 'bob'), granted('Projets'));
    t.ok(subscribed(site, 'alice', 'bob').length > 0);
    const open = await site.login('bob');
    await open.command(`SELECT "shared/${at('alice')}"`);

    const said = await site.mandat('withdraw', '--all', '--yes');
    t.match(said, { status: 0, stderr: '' });
    t.match(said.stdout, /^4 of 4 delegations withdrawn[\s\S]*verified[\s\S]*withdraw --undo/);
    await waitFor('their session ends', LIMIT_MS, async () => {
      try {
        return !(await open.command('NOOP')).status.startsWith('OK');
      } catch {
        return true;
      }
    });
    t.same(await foreign(), BEFORE, 'what stood before is back, what is others’ was never touched');
    for (const owner of OWNERS)
      for (const delegate of DELEGATES) {
        t.same(subscribed(site, owner, delegate), []);
        if (owner === 'erin') t.same(await seen(site, owner, delegate), {});
      }
    t.equal(rulesOf(at('bob')), 0, 'no rule lets them send');
    t.equal(rulesOf(at('alice')), 1, 'the owner sends as before');

    t.match((await site.mandat('status')).stdout, /all delegations are withdrawn, since/);
    t.match(await site.mandat('list'), { status: 0, stdout: /suspended[\s\S]*have been withdrawn/ });
    t.match(await site.mandat('verify', at('erin')), { status: 0 });
    t.match((await site.mandat('explain', at('alice'), at('bob'))).stdout, /have been withdrawn[\s\S]*withdraw --undo/);
    await site.mandat('revoke', at('erin'), at('carol'), '--yes');
    const granting = await site.mandat('grant', at('erin'), at('carol'));
    t.match(
      granting.stdout,
      /not be in force even then: [\s\S]*withdrawn[\s\S]*withdraw --undo|not in force yet: [\s\S]*withdrawn/,
    );
    await site.mandat('sync');
    t.same(await entriesOf(site, 'erin', 'carol'), {}, 'nor does a new one come into force');
    t.match(await site.mandat('withdraw', '--all', '--yes'), { status: 0, stdout: /^0 of 0 delegations/ }, 'once more');

    t.match(await site.mandat('withdraw', '--undo', '--yes'), {
      status: 0,
      stdout: /4 delegations in force/,
      stderr: '',
    });
    t.same(await seen(site, 'alice', 'bob'), granted('Projets'));
    t.match(await site.mandat('verify'), { status: 0 });
    t.match((await site.mandat('audit', '--limit', '100')).stdout, /all-withdrawn[\s\S]*all-restored/);
    await open.close();
    await site.stopSidecars();
    await withLogin(site, 'alice', async (imap) => t.equal((await imap.command('SELECT INBOX')).status, 'OK'));
  });
}
