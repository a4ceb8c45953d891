/**
 * Two sidecars on one mail server: one works, the other stands by and takes over when the first is killed, stopped between two steps, or cut off from
 * PostgreSQL. Watched from the servers' side: the entry is as the table says, and who was stopped writes nothing when they wake.
 */
import path from 'node:path';
import t from 'tap';
import { dataFiles } from '../../../bridge/store/files/data-files.ts';
import { openSenderMap } from '../../../bridge/store/published/sender-map.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { mandatAt } from '../../cli/warm.ts';
import { startPostgresProxy } from '../../store/postgres-proxy.ts';
import { commandOf, type Fate, isChange, startProxy } from '../imap-proxy.ts';
import { last, postgresql } from '../on-postgresql.ts';
import { anotherPlace, startSidecarAt } from '../second-sidecar.ts';
import { at, startSite } from '../site.ts';
import { seen } from '../wire.ts';

const site = await startSite({ users: ['alice', 'bob', 'carol', 'dave'], extraToml: '[server]\ntakeover_seconds = 6' });

/** What the first one says to the IMAP server, from when it is to be looked at. */
let changes: string[] = [];
/** Asked at each of its lines. */
let before: (line: string) => Promise<void> = async () => {};
const imap = await startProxy(site.lab.imap, async (line): Promise<Fate> => {
  await before(line);
  if (isChange(line)) changes.push(line);
  return 'pass';
});
const database = await startPostgresProxy(postgresql.port);
const files = {
  one: await anotherPlace(site, 'one', (toml) =>
    toml.replace(/(\[imap\]\nport = )\d+/, `$1${imap.port}`).replace(/(@127\.0\.0\.1:)\d+/, `$1${database.port}`),
  ),
  two: await anotherPlace(site, 'two'),
};
const one = await startSidecarAt(files.one);
await one.said(/^watching$/);
let two = await startSidecarAt(files.two);
t.teardown(async () => {
  for (const sidecar of [one, two]) await sidecar.end('SIGKILL').catch(() => {});
  await imap.close();
  await database.close();
  await site.stop();
});

const done = async (...args: readonly string[]) => {
  const { status, stdout, stderr } = await mandatAt(files.two, args);
  t.equal(status, 0, `mandat ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};
const access = async (name: string) => Object.keys(await seen(site, 'alice', name)).length > 0;
const events = async (delegate: string, action: string) =>
  Number(
    await postgresql.sql(
      last.database,
      `SELECT count(*) FROM mandat_private.audit WHERE delegate = '${at(delegate)}' AND action = '${action}'`,
    ),
  );

/** Who works, and who stands by. A lease that is made longer too late, on a machine that is busy, is over for a moment. */
const statusSays = (works: number, standBy: readonly number[]) => {
  let told = '';
  const isSo = async () => {
    const { workers } = JSON.parse((await mandatAt(files.two, ['--json', 'status'])).stdout);
    told = JSON.stringify(workers);
    const waiting = workers.standBy.map(({ pid }: { readonly pid: number }) => pid);
    return workers.works?.pid === works && workers.silent === null && waiting.join() === standBy.join();
  };
  return waitFor('status says so', 30_000, isSo, () => told);
};

/** Who may send as alice, by the map beside a Postfix of each. */
const mapOf = (file: string) => {
  const map = openSenderMap(dataFiles(path.dirname(file)).senderDirectory, { readonly: true });
  try {
    return map.all().flatMap(({ address, login }) => (address === at('alice') && login !== at('alice') ? [login] : []));
  } finally {
    map.close();
  }
};
const mapsSay = (...names: readonly string[]) =>
  waitFor('both maps say so', 10_000, () =>
    Object.values(files).every((file) => mapOf(file).join() === names.map(at).join()),
  );

t.test('the second one stands by, says so, and commands beside it are done by the first', async (t) => {
  await two.said(/this one stands by/);
  await done('mailbox', 'add', at('alice'));
  for (const name of ['bob', 'carol', 'dave']) await done('delegate', 'add', at(name));
  await done('grant', at('alice'), at('carol'));
  t.ok(await access('carol'));
  await mapsSay('carol');
  await statusSays(one.pid, [two.pid]);
  t.match(await done('status'), new RegExp(`stands by.*process ${one.pid}`));
  t.match(await mandatAt(files.two, ['run']), { status: 3, stderr: /MANDAT_RUNNING|running on this database/ });
});

t.test('stopped just before it gives: the other takes over, and who wakes writes nothing', async (t) => {
  changes = [];
  before = async (line) => {
    if (commandOf(line) !== 'SETACL' && !/MYRIGHTS|GETACL/.test(line)) return;
    before = async () => {};
    one.signal('SIGSTOP'); // it hears the answer when it wakes, and its next step would be to write
  };
  const granting = done('grant', at('alice'), at('bob'), '--wait', '30');
  await two.said(/^taken over from/);
  await granting;
  t.ok(await access('bob'));
  await done('revoke', at('alice'), at('bob'), '--yes');
  t.notOk(await access('bob'));
  const others = await postgresql.sql(
    last.database,
    "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'mandat worker%' AND application_name <> (SELECT 'mandat worker ' || token FROM mandat_private.workers)",
  );
  t.equal(others, '0', 'whoever is stopped has no connection left on which it works');
  await statusSays(two.pid, []);
  t.match(await mandatAt(files.one, ['status']), {
    status: 1,
    stdout: new RegExp(
      `process ${one.pid} is not at work and does not stand by: it hangs.*process ${two.pid} on .* works`,
    ),
  });
  await two.end(); // what it remembered of its taking over is gone
  two = await startSidecarAt(files.two);
  await two.said(/^watching$/);
  const sent = changes.length;
  one.signal('SIGCONT');
  await one.said(/another sidecar has taken over/);
  await one.said(/this one stands by$/, 2);
  t.same(changes.slice(sent), [], 'it has written nothing');
  await waitFor('its sessions with the mail server are closed', 30_000, () => imap.open() === 0);
  t.notOk(await access('bob'));
  for (const action of ['grant', 'in-force', 'withdrawn', 'revoke', 'ended'])
    t.equal(await events('bob', action), 1, `${action} stands in the trail once`);
  await done('audit', 'verify');
});

t.test('asked to stop: the other is at work at once', async (t) => {
  await two.end();
  await one.said(/^watching$/, 2);
  t.equal(one.log().filter(({ msg }) => /^taken over from/.test(String(msg))).length, 0, 'it was let go');
  two = await startSidecarAt(files.two);
  await two.said(/this one stands by/);
});

t.test('what had left it before it was stopped comes late: it is taken away again', async (t) => {
  let come: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    come = resolve;
  });
  before = async (line) => {
    if (commandOf(line) !== 'SETACL') return;
    before = async () => {};
    one.signal('SIGSTOP');
    await held;
  };
  const granting = done('grant', at('alice'), at('dave'), '--wait', '30');
  await two.said(/^taken over from/);
  await granting;
  await done('revoke', at('alice'), at('dave'), '--yes');
  t.notOk(await access('dave'));
  come();
  await waitFor('the late entry is there', 10_000, () => access('dave'));
  one.signal('SIGCONT');
  await waitFor('it is taken away', 20_000, async () => !(await access('dave')));
  await one.said(/this one stands by$/, 2);
  await site.settled();
  t.equal(await events('dave', 'adopted'), 1, 'and the trail says what it was');
  await mapsSay('carol');
});

t.test('killed: the other is at work at once, and a revoke is obeyed', async (t) => {
  await two.end('SIGKILL');
  await one.said(/^watching$/, 3);
  t.equal((await mandatAt(files.one, ['revoke', at('alice'), at('carol'), '--yes'])).status, 0);
  t.notOk(await access('carol'));
  two = await startSidecarAt(files.two);
  await two.said(/this one stands by/);
});

t.test('cut off from PostgreSQL alone, it stops before the other begins', async (t) => {
  changes = [];
  database.silent = true;
  const granting = done('grant', at('alice'), at('carol'), '--wait', '30');
  await two.said(/^taken over from/);
  await granting;
  t.ok(await access('carol'));
  database.silent = false;
  await one.said(/this one stands by$/, 3);
  t.same(changes, [], 'it has written nothing');
  await mapsSay('carol');
});
