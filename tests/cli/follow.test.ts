/** grant and revoke with a sidecar: they wait, say how long it took, and how they exit where a server is down. */
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { at, type Running, type Site, startSite } from '../servers/site.ts';
import { must } from './desk.ts';

const USERS = ['alice', 'bob', 'carol'];
const MS = /\b\d+ ms|\b\d+\.\d s/;
let site: Site;
let sidecar: Running;

t.before(async () => {
  site = await startSite({ users: USERS, extraToml: '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 2' });
  for (const owner of ['alice', 'carol']) await site.register(owner, 'bob', 'carol');
});
t.teardown(() => site?.stop());

const json = async (...args: string[]) => JSON.parse((await site.mandat('--json', ...args)).stdout);

t.test('with a sidecar grant and revoke wait, and say how long each took', async (t) => {
  sidecar = await site.run();
  await site.settled();
  const granted = await must(site.mandat('grant', at('alice'), at('bob')));
  t.match(
    granted.stdout,
    /^alice@lab\.test delegated to bob@lab\.test\n {2}in force after .*\n {2}verified as the delegate sees it after .*\n$/,
  );
  for (const line of granted.stdout.trim().split('\n').slice(1)) t.match(line, MS);
  t.equal(granted.stderr, '');
  const bob = await site.login('bob');
  t.equal((await bob.command(`SELECT shared/${at('alice')}`)).status, 'OK', 'it is as it says');

  const revoked = await json('revoke', at('alice'), at('bob'), '--yes');
  t.match(revoked, {
    mailbox: at('alice'),
    delegate: at('bob'),
    saved: true,
    sidecar: true,
    withheld: null,
    failure: null,
    notices: [],
  });
  t.ok(Number.isInteger(revoked.inForceMs) && revoked.inForceMs >= 0 && revoked.inForceMs <= revoked.verifiedMs);
  t.equal((await bob.command('NOOP')).status, 'BYE', 'it is as it says');

  t.match(await json('grant', at('alice'), at('bob'), '--starts', '2999-01-01'), {
    saved: true,
    sidecar: true,
    withheld: /not started/,
    inForceMs: null,
    verifiedMs: null,
  });
  t.match(
    (await must(site.mandat('revoke', at('alice'), at('bob'), '--yes'))).stdout,
    /access withdrawn after .*\n.*see nothing any more after/,
  );
});

t.test('not waiting', async (t) => {
  t.match(await json('delegate', 'set', at('carol'), '--profession', 'Médecin'), { sidecar: true });
  t.match(await site.mandat('grant', at('alice'), at('bob'), '--no-wait'), {
    status: 0,
    stdout: /saved\. The sidecar has been told/,
  });
  await waitFor('the grant to be in force', 15_000, async () => (await json('list'))[0]?.state === 'in force');
  t.match(await json('revoke', at('alice'), at('bob'), '--yes', '--no-wait'), {
    saved: true,
    sidecar: true,
    inForceMs: null,
  });
  await site.settled();
});

t.test('a server that is down: 5, with the reason, and the sidecar goes on trying', async (t) => {
  await must(site.mandat('grant', at('carol'), at('bob')));
  await site.lab.stopDovecot();
  const port = site.lab.imap.port;
  const down = new RegExp(
    `the delegation is saved, but not in force yet.*127\\.0\\.0\\.1:${port} can't be reached.*\n.*imap\\.host`,
  );
  const granted = await site.mandat('grant', at('alice'), at('bob'), '--wait', '3');
  t.match(granted, { status: 5, stdout: `${at('alice')} delegated to ${at('bob')}\n`, stderr: down });
  t.match(granted.stderr, /mandat status/);
  const withdrawn = await json('revoke', at('carol'), at('bob'), '--yes', '--wait', '3');
  t.match(withdrawn, {
    saved: true,
    inForceMs: null,
    verifiedMs: null,
    failure: { code: 'retry', message: /can't be reached/ },
  });
  const again = await site.mandat('grant', at('carol'), at('bob'), '--no-wait');
  t.match(again, { status: 0 }, 'one that does not wait is done when the row is there');
  const late = await site.mandat('revoke', at('carol'), at('bob'), '--yes', '--wait', '3');
  t.match(late, { status: 5, stderr: /this is saved, but access has not been withdrawn yet.*can't be reached/ });
  t.match(await site.mandat('status'), {
    status: 1,
    stdout: /failing +2 mailboxes\n.*alice@lab\.test: retry: .*reached.*\n.*\n +attempt \d+, again at /s,
  });
  t.match(await json('status'), {
    failures: [{ mailbox: at('alice'), code: 'retry', attempts: Number }, { mailbox: at('carol') }],
  });
  t.match(await site.mandat('verify'), { status: 5, stderr: /can't be reached/ });
  t.match(await site.mandat('sync'), {
    status: 5,
    stdout: /0 of 2 mailboxes in line/,
    stderr: /alice@.*can't be reached/,
  });
  t.match(await site.mandat('sync', '--dry-run'), { status: 5, stderr: /alice@lab\.test: .*can't be reached/ });
  await site.lab.startDovecot();
  await waitFor('all to be well', 20_000, async () => (await site.mandat('status')).status === 0);
  t.match(await json('list'), [{ state: 'in force' }]);
  t.equal(await sidecar.end(), 0);
  await site.lab.stopDovecot();
  t.match(await site.mandat('sync'), {
    status: 5,
    stdout: '1 of 2 mailboxes in line\n',
    stderr: /alice@lab\.test: .*can't be reached/,
  });
});
