/**
 * A delegate's rights on a whole tree, in one question where the server takes it (LIST-MYRIGHTS, RFC 8440) and folder by folder where it
 * doesn't: the same either way, hidden folders, negative entries and inheritance included.
 */
import t from 'tap';
import { mailServer } from '../../bridge/configured/drivers.ts';
import { quoted } from '../../config/lab/raw-imap.ts';
import { loadConfig } from '../../config/load.ts';
import { commandOf, routeThrough, startProxy } from './imap-proxy.ts';
import { sync, verify } from './inside.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, FULL, sharedName, sorted, withLogin, words } from './wire.ts';

const VISIBLE = ['Plain', 'Deep/Low', 'Quo"te', 'Par(en', 'R&AOk-sultats', 'pour%cent', 'etoile*'];
const BOB = at('bob');

for (const inherit of [true, false]) {
  t.test(inherit ? 'with inheritance' : 'without inheritance', async (t) => {
    const site = await startSite({ users: ['alice', 'bob'], inherit, storage: 'sdbox', postfix: false });
    t.teardown(() => site.stop());
    const asked: string[] = [];
    const proxy = await startProxy(site.lab.imap, (line) => {
      asked.push(line);
      return 'pass';
    });
    t.teardown(() => proxy.close());
    await routeThrough(site, proxy);
    const atOnce = await offers(site);
    const singles = () => asked.splice(0).filter((line) => commandOf(line) === 'MYRIGHTS');

    await does(site, 'alice', ...VISIBLE.map((folder) => `CREATE ${quoted(folder)}`));
    await site.register('alice', 'bob');
    await grantRow(site, 'alice', 'bob');
    asked.length = 0;
    t.same((await sync(site)).failures, [], 'granted');
    const [inherited, ...others] = singles();
    t.match(inherited, /mandat-asks-what-is-inherited/);
    if (atOnce) t.same(others, [], 'no folder is asked for by itself');
    else t.ok(others.length >= VISIBLE.length, 'each folder is asked for');
    t.same(await verify(site), []);

    const hidden = ['Neg', 'NegL', 'NoL', 'NegAll'];
    await does(
      site,
      'alice',
      ...hidden.map((folder) => `CREATE ${folder}`),
      `SETACL Neg -${BOB} wt`,
      `SETACL NegL ${BOB} lrswipkxte`,
      `SETACL NegL -${BOB} l`,
      `SETACL NoL ${BOB} r`,
      `SETACL NegAll -${BOB} lrswipkxte`,
      `SETACL Plain -${BOB} x`,
      `SETACL "Deep/Low" ${BOB} lr`,
    );
    const folders = ['INBOX', 'Sent', ...VISIBLE, ...hidden, 'Deep', 'Gone'];
    const wanted = await rightsByHand(site, folders);
    t.equal(wanted.INBOX, FULL);
    t.equal(wanted.NoL, 'r', 'hidden from LIST, and readable');
    const ours = await rightsByOurs(site, folders, true);
    t.same(ours, wanted, 'after a LIST');
    t.same(await rightsByOurs(site, folders, false), wanted, 'asked for by themselves');
  });
}

const offers = (site: Site) =>
  withLogin(site, 'bob', async (bob) => / LIST-MYRIGHTS\b/.test((await bob.command('CAPABILITY')).lines.join('\n')));

async function rightsByHand(site: Site, folders: readonly string[]): Promise<Record<string, string>> {
  return withLogin(site, 'bob', async (bob) => {
    const found: Record<string, string> = {};
    for (const folder of folders) {
      const { lines } = await bob.command(`MYRIGHTS ${quoted(sharedName('alice', folder))}`);
      found[folder] = sorted(lines.map(words).find(([, kind]) => kind === 'MYRIGHTS')?.[3] ?? '');
    }
    return found;
  });
}

async function rightsByOurs(
  site: Site,
  folders: readonly string[],
  listFirst: boolean,
): Promise<Record<string, string>> {
  const config = loadConfig({ path: site.configFile, env: {}, cwd: '/' });
  const view = await mailServer(config, {}).asDelegate(BOB);
  try {
    if (listFirst) await view.listed(at('alice'));
    const seen = await view.rights(at('alice'), folders);
    return Object.fromEntries([...seen].map(([folder, rights]) => [folder, sorted(rights)]));
  } finally {
    view.close();
  }
}
