/** suspend and resume: the row stays and counts, what it gives goes and comes back, on a real server. R14. */
import path from 'node:path';
import t from 'tap';
import { at, type Site, startSite } from '../servers/site.ts';
import { entriesOf, granted, seen } from '../servers/wire.ts';
import { asShell } from '../store/shell.ts';
import { must } from './desk.ts';

let site: Site;
t.before(async () => {
  site = await startSite({
    users: ['alice', 'bob', 'carol'],
    postfix: false,
    extraToml: '[policy]\nmax_delegates = 2',
  });
  await site.register('alice', 'bob', 'carol');
  await site.run();
  await must(site.mandat('grant', at('alice'), at('bob')));
});
t.teardown(() => site?.stop());

const json = async (...args: string[]) => JSON.parse((await site.mandat('--json', ...args)).stdout);
const senders = async () =>
  asShell(
    path.join(site.lab.senderDirectory, 'sender.db'),
    `SELECT login FROM sender_login WHERE address = '${at('alice')}' ORDER BY 1`,
  )
    .trim()
    .split('\n');

t.test('suspended: access, the right to send and open sessions go; the row stays', async (t) => {
  t.same(await seen(site, 'alice', 'bob'), granted());
  t.same(await senders(), [at('alice'), at('bob')]);
  const open = await site.login('bob');
  const { status, stdout } = await site.mandat('suspend', 'Alice@lab.test', at('bob'));
  t.match(
    { status, stdout },
    {
      status: 0,
      stdout: /^alice@lab\.test to bob@lab\.test: suspended\n {2}access withdrawn after .*\n.*see nothing any more/,
    },
  );
  t.equal((await open.command('NOOP')).status, 'BYE');
  t.same(await seen(site, 'alice', 'bob'), {});
  t.same(await entriesOf(site, 'alice', 'bob'), {});
  t.same(await senders(), [at('alice')]);
  t.match(await json('list'), [{ identifier: at('bob'), state: 'suspended', why: 'this delegation is suspended' }]);
  t.match(await json('explain', at('alice'), at('bob')), [{ inForce: false, why: 'this delegation is suspended' }]);
  t.match(await site.mandat('verify'), { status: 0 });
});

t.test(
  'twice is no mistake, and changes nothing; it counts for the limit; another delegate is not concerned',
  async (t) => {
    t.match(await json('suspend', at('alice'), at('bob')), { saved: false, unchanged: true });
    t.match(await site.mandat('suspend', at('alice'), at('bob')), {
      status: 0,
      stdout: /unchanged, it is suspended already/,
    });
    await site.sql("INSERT INTO delegate (id) VALUES ('dan')");
    await must(site.mandat('grant', at('alice'), at('carol')));
    t.match(await json('grant', at('alice'), 'dan'), { error: { code: 'refused', rule: 'MANDAT_LIMIT' } });
    t.same(await seen(site, 'alice', 'carol'), granted());
  },
);

t.test('resumed: all of it is back', async (t) => {
  const { status, stdout } = await site.mandat('resume', at('alice'), at('bob'));
  t.match(
    { status, stdout },
    { status: 0, stdout: /: resumed\n {2}in force after .*\n {2}verified as the delegate sees it/ },
  );
  t.same(await seen(site, 'alice', 'bob'), granted());
  t.same(await senders(), [at('alice'), at('bob'), at('carol')]);
  t.match(await json('list', '--delegate', at('bob')), [{ state: 'in force', why: null }]);
});

t.test('resumed, and still not in force: it says why', async (t) => {
  await must(site.mandat('suspend', at('alice'), at('bob'), '--no-wait'));
  await site.sql(`UPDATE delegate SET state = 'suspended' WHERE id = '${at('bob')}'`);
  t.match(await site.mandat('resume', at('alice'), at('bob')), {
    status: 0,
    stdout: /resumed\n {2}saved, and not in force yet: the delegate is suspended/,
  });
  t.same(await seen(site, 'alice', 'bob'), {});
});

t.test('who did it is in the trail', async (t) => {
  const entries = (await json('history', at('alice'))) as {
    action: string;
    delegate: string;
    actor: string;
    detail: string;
  }[];
  const changes = entries.filter(({ action, delegate }) => action === 'change' && delegate === at('bob'));
  t.same(
    changes.map(({ detail }) => JSON.parse(detail).suspended),
    [1, 0, 1, 0],
  );
  t.match(await site.mandat('resume', at('alice'), at('bob')), { status: 0, stdout: /unchanged, it is not suspended/ });
  t.equal(((await json('history', at('alice'))) as unknown[]).length, entries.length, 'nor is it in the trail');
  for (const { actor } of changes) t.match(actor, /^admin:\w+$/);
});

t.test('nobody there: 4', async (t) => {
  for (const [mailbox, delegate, says] of [
    [at('nobody'), at('bob'), /no such mailbox: nobody@lab\.test/],
    [at('alice'), 'nobody', /no such delegate: nobody/],
    [at('alice'), 'dan', /alice@lab\.test is not delegated to dan/],
  ] as const)
    t.match(await site.mandat('suspend', mailbox, delegate), { status: 4, stdout: '', stderr: says });
  t.match(await site.mandat('resume', at('alice'), 'dan'), { status: 4, stdout: '' });
});
