/** sync and verify: what they say and how they exit, without a sidecar and with one. */
import t from 'tap';
import { at, type Running, type Site, startSite } from '../servers/site.ts';
import { must } from './desk.ts';

const USERS = ['alice', 'bob', 'carol'];
let site: Site;
let sidecar: Running;

t.before(async () => {
  site = await startSite({ users: USERS, extraToml: '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 2' });
  for (const owner of ['alice', 'carol']) await site.register(owner, 'bob', 'carol');
});
t.teardown(() => site?.stop());

const json = async (...args: string[]) => JSON.parse((await site.mandat('--json', ...args)).stdout);

t.test('without a sidecar sync does it once', async (t) => {
  await must(site.mandat('grant', at('alice'), at('bob'), '--no-wait'));
  t.match(await json('list'), [{ state: 'waiting' }]);
  const rehearsed = await must(site.mandat('sync', '--dry-run'));
  t.match(rehearsed.stdout, /^SETACL INBOX bob@lab\.test \w+ +as alice@lab\.test$/m);
  t.match(rehearsed.stdout, /^let bob@lab\.test send as alice@lab\.test$/m);
  t.match(await json('list'), [{ state: 'waiting' }], 'and nothing was done');

  const differs = await site.mandat('verify');
  t.match(differs, { status: 1, stdout: /^alice@lab\.test: bob@lab\.test: INBOX: may nothing, should \w+$/m });
  t.match(differs.stdout, /^alice@lab\.test: bob@lab\.test: may not send as alice@lab\.test, should$/m);
  t.match(differs.stdout, /\n2 mailboxes, 1 delegation in force: \d+ differences\n$/);
  t.match(await site.mandat('verify', at('carol')), { stdout: /1 mailbox, 0 delegations in force: 1 difference\n/ });

  t.match(await site.mandat('sync', at('alice')), { status: 0, stdout: '1 of 1 mailbox in line\n', stderr: '' });
  t.match(await site.mandat('sync'), { status: 0, stdout: '2 of 2 mailboxes in line\n' });
  t.match(await site.mandat('sync', '--dry-run'), { status: 0, stdout: 'nothing to do\n' });
  t.match(await site.mandat('verify', at('alice')), {
    status: 0,
    stdout: '1 mailbox, 1 delegation in force: all as it should be\n',
  });
  t.match(await json('verify'), { mailboxes: 2, delegations: 1, differences: [] });
  t.match(await json('list'), [{ state: 'in force', why: null }]);
  t.match(await site.mandat('sync', at('nobody')), { status: 4, stderr: /no such mailbox: nobody@lab\.test/ });
  t.match(await site.mandat('verify', at('nobody')), { status: 4, stderr: /no such mailbox/ });
  t.match(await site.mandat('revoke', at('alice'), at('bob'), '--yes', '--no-wait'), {
    status: 0,
    stdout: /saved.*No sidecar is running/,
  });
  await must(site.mandat('sync'));
});

t.test('sync is handed to the sidecar; a second sidecar is refused', async (t) => {
  sidecar = await site.run();
  await site.settled();
  t.match(await site.mandat('sync'), { status: 0, stdout: '2 of 2 mailboxes in line (the running sidecar did it)\n' });
  t.match(await json('sync', at('alice')), { mailboxes: 1, held: 0, failures: [] });
  t.match(await site.mandat('run'), {
    status: 3,
    stderr: new RegExp(`already \\(process ${sidecar.pid}\\).*MANDAT_RUNNING`),
  });
  t.match(await site.mandat('status'), {
    status: 0,
    stdout: new RegExp(`^sidecar +running \\(process ${sidecar.pid}, since 20`),
  });
  t.match(await json('status'), { sidecar: { pid: sidecar.pid }, waiting: 0, failures: [], restored: false });
});

t.test('what was changed behind our back: verify names it, sync mends it', async (t) => {
  await must(site.mandat('grant', at('alice'), at('bob')));
  const alice = await site.login('alice');
  await alice.command(`SETACL INBOX ${at('bob')} lr`);
  const { status, stdout } = await site.mandat('verify');
  t.equal(status, 1);
  t.match(stdout, /^alice@lab\.test: bob@lab\.test: INBOX: may lr, should \w{10}$/m);
  t.match(await json('verify', at('alice')), {
    differences: [{ mailbox: at('alice'), login: at('bob'), what: /^INBOX: may lr/ }],
  });
  await must(site.mandat('sync', at('alice')));
  t.match(await site.mandat('verify'), { status: 0 });
  await must(site.mandat('revoke', at('alice'), at('bob'), '--yes'));
});
