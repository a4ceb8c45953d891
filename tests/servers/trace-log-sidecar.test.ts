/** The sidecar reads Dovecot's log of events: it traces what was done while it was down, each access once, and looks at what an event hints at. */
import { chmodSync, chownSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { traceDirectory } from '../../bridge/trace/trace-files.ts';
import { traced } from '../../bridge/trace/trace-reading.ts';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import { readFragment } from '../../config/lab/fragment.ts';
import { systemUser } from '../../config/lab/system-ids.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { dovecotConf } from '../doctor/breakage.ts';
import { grantRow } from './rows.ts';
import { at, startSite } from './site.ts';

const LIMIT_MS = 30_000;
const version = dovecotVersion();
const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-events-'));
chmodSync(directory, 0o755);
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const log = path.join(directory, 'dovecot-events.log');
const makeLog = () => {
  writeFileSync(log, '', { mode: 0o640 });
  if (version === '2.4') chownSync(log, systemUser('dovecot').uid, 0);
};
makeLog();
const site = await startSite({
  users: ['alice', 'bob'],
  postfix: false,
  senderRules: false,
  extraDovecot: `${await readFragment(`dovecot/${version}/events-log.conf`, { '/var/log/dovecot-events.log': log })}
${await readFragment(`dovecot/${version}/trace.conf`)}`,
  extraToml: `[events]\nlisten = "off"\nlog = "${log}"\n[trace]\nenabled = true\n[schedule]\nsweep_interval_minutes = 1440\nfolder_look_seconds = 0\n`,
});
t.teardown(() => site.stop());
await site.register('alice', 'bob');
await grantRow(site, 'alice', 'bob');
let running = await site.run();
await site.settled();
let bob = await site.login('bob');
const SHARED = `shared/${at('alice')}`;

const trace = traceDirectory({ privateDirectory: path.join(site.lab.directory, 'private') });
/** The numbers of the folders that bob has asked for. */
const asked = () =>
  existsSync(trace)
    ? [...traced(trace, {})].filter(({ folder }) => /^N\d+$/.test(folder ?? '')).map(({ folder }) => folder?.slice(1))
    : [];
let number = 0;
const work = async (count: number) => {
  for (let n = 0; n < count; n++) await bob.command(`SELECT ${SHARED}/N${++number}`);
};
const all = () => Array.from({ length: number }, (_, index) => String(index + 1));

t.test('while it runs, while it is down, and while the log is renamed meanwhile', async (t) => {
  await work(20);
  await waitFor('what was done while it runs', LIMIT_MS, () => asked().length === number);
  await running.end('SIGKILL');
  await work(20);
  renameSync(log, `${log}.1`);
  makeLog();
  await work(20); // still into the old one: nobody has told Dovecot
  running = await site.run();
  await waitFor('what was done while it was down', LIMIT_MS, () => asked().length === number);
  await work(5);
  await running.end();
  await work(5);
  running = await site.run();
  await waitFor('and again', LIMIT_MS, () => asked().length === number);
  t.same(asked(), all(), 'each once, in order');
  const [first] = [...traced(trace, { actions: ['open'], person: at('bob') })];
  t.match(first, { relation: 'delegate', mailbox: at('alice'), answer: 'NO', address: '127.0.0.1' });
  t.equal(typeof first?.delegation, 'number');
});

t.test('what it hints at is looked at', async (t) => {
  const alice = await site.login('alice');
  await alice.command('CREATE Dossiers');
  await waitFor('bob is subscribed', LIMIT_MS, async () =>
    (await bob.command('LSUB "" "*"')).lines.join('\n').includes(`${SHARED}/Dossiers`),
  );
  await waitFor('and it is traced', LIMIT_MS, () =>
    [...traced(trace, {})].some(({ action, folder }) => action === 'folder-create' && folder === 'Dossiers'),
  );
  const ours = [...traced(trace, {})].filter(({ relation }) => relation === 'mandat');
  t.ok(
    ours.every(({ via }) => via === site.lab.master.user),
    'its own sessions are told apart',
  );
  const asOwner = [...traced(trace, { person: at('alice') })].filter(({ relation }) => relation === 'owner');
  t.same([...new Set(asOwner.map(({ action }) => action))].sort(), ['folder-create', 'login']);
});

t.test('Dovecot is restarted, and the log renamed while nobody writes to it', async (t) => {
  const before = asked().length;
  await work(3);
  await site.lab.stopDovecot();
  renameSync(log, `${log}.2`);
  makeLog();
  await site.lab.startDovecot();
  bob = await site.login('bob');
  await work(3);
  await waitFor('what was done before it and after', LIMIT_MS, () => asked().length === before + 6);
  t.same(asked(), all(), 'each once, in order');
});

t.test('the doctor looks whether the log can be read', async (t) => {
  const { stdout } = await site.mandat('--json', 'doctor', '--dovecot-config', dovecotConf(site));
  const checks = JSON.parse(stdout) as readonly Record<'check' | 'status' | 'seen', string>[];
  const seen = checks.find(({ check }) => check === 'log of events');
  t.match(seen, { status: 'ok', seen: /^\/.*dovecot-events\.log, mode 640, \w+:root, last written 20\S+Z$/ });
});

t.test('a log that is taken away is said, and taken up when there is one', async (t) => {
  rmSync(log);
  const said = (what: string) => running.log().some(({ msg }) => msg === what);
  await waitFor('it is said', LIMIT_MS, () => said('the log of events is in trouble'));
  makeLog();
  await waitFor('and that it is over', LIMIT_MS, () => said('the log of events is read'));
  t.pass();
});
