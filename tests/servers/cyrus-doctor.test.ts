/** What doctor makes of a Cyrus: each check in its own words, and what it tries undone. */
import t from 'tap';
import { whyNoCyrus } from '../../config/lab/cyrus-packages.ts';
import { editConfig } from './configure.ts';
import { acls, type CyrusSite, startCyrusSite } from './cyrus-site.ts';
import { sync } from './inside.ts';
import { grantRow } from './rows.ts';
import { at } from './site.ts';
import { list, withLogin } from './wire.ts';

const skip = await whyNoCyrus();

interface Line {
  readonly check: string;
  readonly status: string;
  readonly seen: string;
  readonly remedy: string | null;
}

async function doctor(site: CyrusSite, ...args: readonly string[]): Promise<ReadonlyMap<string, Line>> {
  const { stdout } = await site.mandat('doctor', '--json', ...args);
  return new Map((JSON.parse(stdout) as readonly Line[]).map((line) => [line.check, line]));
}

for (const namespace of ['slashes', 'dots'] as const) {
  t.test(`all is well: ${namespace}`, { skip }, async (t) => {
    const site = await startCyrusSite({ namespace, users: ['alice', 'bob'] });
    t.teardown(() => site.stop());
    // The first that is registered has no mailbox, and yet Cyrus lets one in by that login.
    await site.sql(`INSERT INTO mailbox (address, login) VALUES ('${at('nobody')}', 'nobody')`);
    await site.register('alice', 'bob');
    const folders = await withLogin(site, 'alice', (alice) => list(alice, '*'));
    const lines = await doctor(site, '--probe', at('alice'), '--probe-as', 'bob');
    t.same(
      [...lines.values()].filter(({ status }) => status === 'fail'),
      [],
    );
    t.match(lines.get('kind of server')?.seen, /^Cyrus IMAPD 3\.\S+: spoken to as Cyrus, by what it says of itself$/);
    for (const check of [
      'identity',
      'shared namespace',
      'probe',
      'sharing',
      'inheritance',
      'ACL cache',
      'session commands',
    ])
      t.equal(lines.get(check)?.status, 'ok', check);
    t.match(lines.get('sharing')?.seen, /listed to them and opened; their session was cut, and has ended/);
    const advised = [...lines.values()].filter(({ status }) => status === 'warn').map(({ remedy }) => remedy ?? '');
    t.notMatch(advised.join('\n'), /dovecot/i, 'no remedy speaks of another server');
    t.same(await acls(site, 'alice'), {}, 'nothing is left of it');
    t.same(await withLogin(site, 'alice', (alice) => list(alice, '*')), folders);

    const looked = await doctor(site);
    t.match(looked.get('admin login')?.seen, /is logged in as alice/, 'whoever has no mailbox is passed over');
    await grantRow(site, 'alice', 'bob');
    t.match((await sync(site)).failures, [], 'whoever has none is told of elsewhere');
  });
}

t.test('an account that may not log in as others', { skip }, async (t) => {
  const site = await startCyrusSite({ users: ['alice', 'bob'] });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob');
  await editConfig(site, (toml) => toml.replace(/admin_user = ".*"/, 'admin_user = "bob"'));
  const refused = (await doctor(site)).get('admin login');
  t.equal(refused?.status, 'fail');
  t.match(refused?.remedy, /proxyservers/);
});

t.test('a login that Cyrus knows without its domain', { skip }, async (t) => {
  const site = await startCyrusSite({ users: ['alice'], virtualDomains: true, extra: 'defaultdomain: ex.test' });
  t.teardown(() => site.stop());
  await site.register('alice');
  const { status, seen, remedy } = (await doctor(site)).get('identity') ?? {};
  t.equal(status, 'fail');
  t.match(seen, /makes alice of the login alice@ex\.test/);
  t.match(remedy, /--login alice/);
});
