/** A site whose table is in PostgreSQL, by the command line: from init to a revoke, and what happens while PostgreSQL is away. */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { waitFor } from '../../../config/lab/wait.ts';
import { last, postgresql } from '../on-postgresql.ts';
import { at, startSite } from '../site.ts';
import { seen } from '../wire.ts';

const site = await startSite({ users: ['alice', 'bob', 'carol'] });
t.teardown(() => site.stop());

const done = async (...args: readonly string[]) => {
  const { status, stdout, stderr } = await site.mandat(...args);
  t.equal(status, 0, `mandat ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};
const json = async (...args: readonly string[]) => JSON.parse((await site.mandat('--json', ...args)).stdout);
const access = async (name: string) => Object.keys(await seen(site, 'alice', name)).length > 0;

t.test('init again says what is there, and who else gets in', async (t) => {
  const said = await done('init');
  t.match(said, /schema mandat\): the delegation table, there already/);
  t.match(said, /schema mandat_private\): mandat's own state, there already/);
  t.notMatch(said, /pw-mandat/, 'no password');
});

t.test('without a sidecar each command makes its pass itself', async (t) => {
  await done('mailbox', 'add', at('alice'));
  await done('delegate', 'add', at('bob'));
  await done('delegate', 'add', at('carol'));
  await done('grant', at('alice'), at('bob'));
  t.ok(await access('bob'));
  t.match(await done('sync', '--dry-run'), /nothing|0 steps|no step/i);
  await done('revoke', at('alice'), at('bob'), '--yes');
  t.notOk(await access('bob'));
});

t.test('with a sidecar it is followed, and every question is answered', async (t) => {
  const sidecar = await site.run();
  const bob = await site.login('bob');
  await done('grant', at('alice'), at('bob'));
  t.ok(await access('bob'));
  bob.close();
  const session = await site.login('bob');
  t.match(await done('list'), /bob/);
  t.match(await done('who', at('alice')), /bob/);
  t.match(await done('what', at('bob')), /alice/);
  await done('verify', at('alice'));
  t.match(await done('explain', at('alice'), at('bob')), /verified|in force/);
  const { database, waiting, failing } = await json('status');
  t.match(database, { place: /^postgres:\/\/mandat\d+@127\.0\.0\.1/, lost: null });
  t.same([waiting, failing], [0, 0]);
  t.match(await done('audit'), /grant/);
  await done('audit', 'verify');
  await done('history', at('alice'));
  t.match(await site.mandat('run'), { status: 3, stderr: /running on this database already/ }, 'one sidecar only');
  await done('revoke', at('alice'), at('bob'), '--yes');
  t.notOk(await access('bob'));
  t.type(await session.waitForBye(10_000), 'string', 'the open session is cut');
  const written = readFileSync(site.configFile, 'utf8');
  writeFileSync(site.configFile, written.replace('database = "postgres://', 'database = "postgres://other'));
  process.kill(sidecar.pid, 'SIGHUP');
  const refused = () => sidecar.log().some(({ err }) => /takes a restart/.test(String(err)));
  await waitFor('another database is refused', 10_000, refused).finally(() => writeFileSync(site.configFile, written));
  for (const secret of ['pw-mandat', 'database.secret']) t.notMatch(JSON.stringify(sidecar.log()), secret);
  t.notMatch(readFileSync(`/proc/${sidecar.pid}/cmdline`, 'utf8'), /postgres:|pw-/);
});

t.test('another program writes through its role, and is heard at once', async (t) => {
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('carol')}')`);
  await site.settled();
  t.ok(await access('carol'));
});

t.test(
  'while PostgreSQL is away nothing changes, and what was committed before it went is done when it is back',
  async (t) => {
    await postgresql.kill();
    const { status, stderr } = await site.mandat('grant', at('alice'), at('bob'));
    t.match({ status, stderr }, { status: 5, stderr: /postgres:.*can't be reached|was lost/ });
    t.ok(await access('carol'), 'who has access keeps it');
    await postgresql.start();
    await site.sql(`DELETE FROM delegation WHERE delegate = '${at('carol')}'`);
    await waitFor('the revoke is obeyed', 20_000, async () => !(await access('carol')));
    await site.settled();
    await waitFor('the loss is noted', 10_000, async () => (await json('status')).database.lost !== null);
    t.match(await done('status'), /the sidecar was without it from/);
  },
);

t.test('what works on files alone says so, and does nothing', async (t) => {
  for (const [args, instead] of [
    [['backup', '/nowhere/at/all'], /pg_dump/],
    [['restore', '/nowhere/at/all', '--yes'], /pg_restore/],
  ] as const) {
    const { status, stderr } = await site.mandat(...args);
    t.match({ status, stderr }, { status: 3, stderr: instead }, args.join(' '));
  }
});

t.test('changed rules are told of, and put back with who may use them', async (t) => {
  await postgresql.sql(
    last.database,
    'DROP TRIGGER delegations_before_insert ON mandat.delegations; DROP VIEW mandat.mailbox CASCADE',
  );
  const told = /rules of the delegation table have been changed .*trigger delegations_before_insert is missing/;
  t.match(await site.mandat('init'), { status: 1, stderr: told });
  t.match(await done('init', '--repair-rules'), /released rules put back: .*view mailbox is missing/);
  t.match(await site.mandat('init'), { status: 0 });
  await site.sql(`UPDATE mailbox SET eligible = 1 WHERE address = '${at('alice')}'`);
});

t.test('a password that is wrong, and one that others may read', async (t) => {
  await site.stopSidecars();
  const secret = `${site.lab.directory}/database.secret`;
  const right = readFileSync(secret, 'utf8');
  writeFileSync(secret, 'wrong\n');
  t.match(await site.mandat('list'), { stderr: /does not let user mandat\d+ in/ });
  writeFileSync(secret, right);
  t.equal((await site.mandat('list')).status, 0);
  t.equal(
    await postgresql.sql(last.database, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'mandat%'"),
    '0',
    'nothing stays connected',
  );
});
