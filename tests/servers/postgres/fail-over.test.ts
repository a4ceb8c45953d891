/** A primary that is killed, and a replica that is promoted without the last commits; then the old primary comes back. The sidecar goes on all the time. */
import t from 'tap';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { startPostgresProxy } from '../../store/postgres-proxy.ts';
import { at, startSite } from '../site.ts';
import { keepSitesInPostgresql } from '../site-in-postgresql.ts';
import { seen } from '../wire.ts';

const primary = await startPostgresql({ extra: 'synchronous_commit = on' });
t.teardown(() => primary.stop());
const proxy = await startPostgresProxy(primary.port);
t.teardown(() => proxy.close());
let answering = primary;
keepSitesInPostgresql(() => answering, proxy.port);
const site = await startSite({
  users: ['alice', 'bob', 'carol', 'dave', 'erin'],
  postfix: false,
  extraToml: 'kind = ["postfix-sqlite", "postfix-pgsql"]\n[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 1',
});
t.teardown(() => site.stop());
const replica = await startPostgresql({ replicaOf: primary });
t.teardown(() => replica.stop());

const done = async (...args: readonly string[]) => {
  const { status, stdout, stderr } = await site.mandat(...args);
  t.equal(status, 0, `mandat ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};
const access = async (name: string) => Object.keys(await seen(site, 'alice', name)).length > 0;
const leadTo = (server: typeof primary) => {
  answering = server;
  proxy.target = server.port;
  proxy.cut();
};

t.test('what the replica lacks gives nobody access', async (t) => {
  await done('mailbox', 'add', at('alice'));
  for (const name of ['bob', 'carol', 'dave', 'erin']) await done('delegate', 'add', at(name));
  const sidecar = await site.run();
  await done('grant', at('alice'), at('bob'));
  await done('grant', at('alice'), at('carol'));
  await waitFor('the replica has it', 15_000, async () => {
    const lag = 'SELECT pg_current_wal_lsn()';
    const [here, there] = [
      await primary.sql('postgres', lag),
      await replica.sql('postgres', 'SELECT pg_last_wal_replay_lsn()'),
    ];
    return here === there;
  });
  await replica.cutOff();
  await done('revoke', at('alice'), at('carol'), '--yes');
  await done('grant', at('alice'), at('dave'));
  await primary.kill();
  leadTo(replica);
  const asked = await site.mandat('grant', at('alice'), at('erin'));
  t.match(asked, { status: 5, stderr: /only answers questions now: it is a replica/ });
  const replicaOnly = () =>
    sidecar.log().some((line) => /only answers questions now: it is a replica/.test(JSON.stringify(line)));
  await waitFor('the sidecar says that it is a replica', 20_000, replicaOnly);
  await replica.promote();
  const again = () => sidecar.log().some(({ msg }) => /older than the one last seen/.test(String(msg)));
  await waitFor('the sidecar finds that it is older', 20_000, again);
  await site.settled();
  t.notOk(await access('carol'), 'who was revoked stays out');
  t.equal(
    await site.sql(
      `SELECT DISTINCT login FROM mandat_sender.sender_login WHERE login IN ('${at('bob')}', '${at('carol')}')`,
    ),
    `${at('bob')}\n`,
    'and may not send, where Postfix asks that database',
  );
  t.ok(await access('bob'), 'who has a delegation in force keeps it');
  t.match((await site.mandat('status')).stdout, /older than the one last seen/);
  const granted = await site.mandat('grant', at('alice'), at('erin'), '--wait', '2');
  t.notMatch(granted.stdout, /in force after|verified/);
  t.match(granted.stdout, /older than the one last seen, and gives nobody access.*restore accept/s);
  t.notOk(await access('erin'), 'nothing is given');
});

t.test('the old primary comes back, and nobody listens to it', async (t) => {
  await primary.start();
  leadTo(primary);
  const { status, stderr } = await site.mandat('revoke', at('alice'), at('bob'), '--yes');
  t.match({ status, stderr }, { status: 5, stderr: /a primary from before a fail-over \(timeline 1, and 2/ });
  t.ok(await access('bob'));
  await primary.halt();
  leadTo(replica);
});

t.test('what takes access away is obeyed; what gives it, once somebody has accepted it', async (t) => {
  await done('revoke', at('alice'), at('bob'), '--yes');
  t.notOk(await access('bob'));
  t.match(await done('restore', 'accept', '--yes'), /obeyed in full/);
  await waitFor('what the table says now', 20_000, async () => (await access('carol')) && (await access('erin')));
  await site.settled();
  t.notOk(await access('dave'), 'whose row was lost');
  await done('audit', 'verify');
  t.match(await done('audit'), /restore/);
});
