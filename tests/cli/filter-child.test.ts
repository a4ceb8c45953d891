/** The submission filter that `mandat run` has beside itself: a process of its own, started, watched and ended by it. R31. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { openStateDb } from '../../bridge/store/state/state-db.ts';
import { startFilterChild } from '../../bridge/submission/filter-child.ts';
import { filterTrouble } from '../../bridge/submission/last-filter.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { type Desk, desk, WITH_SENDERS } from './desk.ts';
import { isThere, LIMIT_MS, lasting } from './lasting.ts';

const SUBMISSION = (more = '') =>
  `${WITH_SENDERS}[submission]\nlisten = "filter.sock"\ncopy_listen = "copy.sock"\nreinject = "127.0.0.1:1"\n${more}`;

/** In the directory of the sockets, which the first process that needs it makes. */
function socketIn(here: Desk, name: string): string {
  const directory = path.join(here.directory, 'data/run');
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  return path.join(directory, name);
}

interface Shown {
  readonly sidecar: { readonly pid: number; readonly since: string | null } | null;
  readonly filter: {
    readonly process: string;
    readonly running: { readonly pid: number } | null;
    readonly trouble: { readonly message: string; readonly againAt: string } | null;
  } | null;
}

const statusOf = (here: Desk) => here.json('status') as Promise<Shown>;
const filterPid = async (here: Desk) => (await statusOf(here)).filter?.running?.pid;
/** Of the one that runs. Never 0, which would be the process group. */
const runs = (here: Desk) => waitFor('the filter runs', LIMIT_MS, () => filterPid(here));

function greets(here: Desk): Promise<boolean> {
  return new Promise((answer) => {
    const socket = net.connect({ path: socketIn(here, 'filter.sock') });
    socket.once('data', () => {
      socket.destroy();
      answer(true);
    });
    socket.once('error', () => answer(false));
  });
}

const ends = (pid: number) => waitFor(`process ${pid} ends`, LIMIT_MS, () => !isThere(pid));

async function running(t: Test, more = '') {
  const here = await desk(t, { config: SUBMISSION(more) });
  const sidecar = await lasting(t, here.configFile, 'run');
  await sidecar.said('watching');
  return { here, sidecar };
}

t.test('a SIGHUP in the middle of the start ends nobody, and is obeyed when both run', async (t) => {
  const { sidecar } = await running(t);
  process.kill(sidecar.pid, 'SIGHUP'); // its filter is still being started
  await sidecar.said('configuration reread by the submission filter');
  await sidecar.said('configuration reread');
  t.equal(await sidecar.end('SIGTERM'), 0);
});

t.test('two processes, both in status, both ended by SIGTERM', async (t) => {
  const { here, sidecar } = await running(t);
  await sidecar.said('filtering submissions');
  // One that was late at the start is ended once more after that, and another one begun.
  await waitFor('it greets', LIMIT_MS, () => greets(here));
  const pid = await runs(here);
  t.equal((await statusOf(here)).sidecar?.pid, sidecar.pid);
  t.not(pid, sidecar.pid, 'a process of its own');
  const { stdout } = await here.mandat('status');
  t.match(stdout, new RegExp(`^filter +running \\(process ${pid}, since 20`, 'm'));
  await waitFor('it is noted for how long the loops were held', LIMIT_MS, async () => {
    const text = (await here.mandat('status')).stdout;
    return /^thread +held for \d+ ms at most in the last minute/m.test(text) && /^its thread +held for/m.test(text);
  });
  t.equal(await sidecar.end('SIGTERM'), 0);
  t.notOk(isThere(pid));
  t.match((await here.mandat('status')).stdout, /^filter +not running, so that nobody can submit mail: "mandat run"/m);
});

t.test('a filter that dies is started again, later each time, and status says why there is none', async (t) => {
  const { here, sidecar } = await running(t);
  let pid = await runs(here);
  for (const times of [1, 2]) {
    process.kill(pid, 'SIGKILL');
    const { againInMs } = await sidecar.said(/^the submission filter is not running: it ended with SIGKILL/, times);
    t.equal(againInMs, times * 1000);
    const { filter } = await waitFor('status says so', LIMIT_MS, async () => {
      const shown = await statusOf(here);
      return shown.filter?.trouble ? shown : undefined;
    });
    t.match(filter, { running: null, trouble: { message: /SIGKILL/ } });
    t.match(await here.mandat('status'), { status: 1, stdout: /^filter +not running.*SIGKILL; again at/m });
    await sidecar.said('filtering submissions', times + 1);
    pid = await waitFor('another one runs', LIMIT_MS, async () => {
      const other = await filterPid(here);
      return other !== pid && other;
    });
  }
  t.ok(await greets(here));
  t.equal((await statusOf(here)).filter?.trouble, null);
  t.equal(await sidecar.end('SIGTERM'), 0);
});

t.test('a sidecar that is killed takes it along', async (t) => {
  const { here, sidecar } = await running(t);
  const pid = await runs(here);
  t.equal(await sidecar.end('SIGKILL'), null);
  await ends(pid);
  t.notOk(await greets(here));
});

t.test('one that has too much to do to notice is ended by the next sidecar', async (t) => {
  const { here, sidecar } = await running(t);
  const pid = await runs(here);
  process.kill(pid, 'SIGSTOP');
  t.teardown(() => isThere(pid) && process.kill(pid, 'SIGKILL'));
  t.equal(await sidecar.end('SIGKILL'), null);
  const next = await lasting(t, here.configFile, 'run');
  await next.said(/whose sidecar is gone is still there/);
  await next.said('filtering submissions');
  t.notOk(isThere(pid));
  t.ok(await greets(here));
  t.equal(await next.end('SIGTERM'), 0);
});

t.test('one that is late at the start keeps nobody from anything, and is tried again with more patience', async (t) => {
  const here = await desk(t, { config: SUBMISSION() });
  const { state } = dataFiles(path.join(here.directory, 'data'));
  const silentOnce = path.join(here.directory, 'silent-once');
  const program = `if (fs.existsSync('${silentOnce}')) setTimeout(() => process.send({ kind: 'listening' }), 4500); else fs.writeFileSync('${silentOnce}', ''); process.on('message', () => {})`;
  const said: string[] = [];
  const child = await startFilterChild({
    command: [process.execPath, '-e', program],
    openState: async () => openStateDb(state),
    log: pino({ base: null }, { write: (line: string) => void said.push(line) }),
    patience: { retryMinMs: 1, retryMaxMs: 60_000, answerMs: 4_000 },
  });
  t.match(said.join(''), /the submission filter is not running: it has not answered in 4 s/);
  const trouble = async () => {
    const open = openStateDb(state, { readonly: true });
    try {
      return await filterTrouble(open);
    } finally {
      await open.close();
    }
  };
  await waitFor('the second one listens', LIMIT_MS, async () => (await trouble()) === undefined);
  await child.stop();
});

t.test('one that is being started when the sidecar ends is ended with it', async (t) => {
  const here = await desk(t, { config: SUBMISSION() });
  const { state } = dataFiles(path.join(here.directory, 'data'));
  const pids = path.join(here.directory, 'pids');
  const program = `fs.appendFileSync('${pids}', process.pid + ' '); process.on('message', () => {})`;
  const child = await startFilterChild({
    command: [process.execPath, '-e', program],
    openState: async () => openStateDb(state),
    log: pino({ level: 'silent' }),
    patience: { retryMinMs: 1, retryMaxMs: 60_000, answerMs: 4_000 },
  });
  const started = () => readFileSync(pids, 'utf8').trim().split(' ').map(Number);
  const [, second = 0] = await waitFor('the second one is started', LIMIT_MS, () => started().length > 1 && started());
  await child.stop();
  t.notOk(isThere(second));
  t.equal(started().length, 2, 'and no other is');
});

t.test('a place that is taken ends `run` at once, with the reason', async (t) => {
  for (const taken of ['filter.sock', 'copy.sock']) {
    const here = await desk(t, { config: SUBMISSION() });
    const other = net.createServer((socket) => socket.end());
    await new Promise<void>((done) => other.listen(socketIn(here, taken), done));
    const sidecar = await lasting(t, here.configFile, 'run');
    t.equal(await sidecar.ended, 2, taken);
    t.match(sidecar.output(), new RegExp(`another program listens on .*${taken} already`));
    t.match(await statusOf(here), { sidecar: null, filter: { running: null } });
    await new Promise((done) => other.close(done));
  }
});

t.test('of the sidecar, too', async (t) => {
  const config = WITH_SENDERS.replace(
    '[sender_rules]',
    '[sender_rules]\nkind = "socketmap"\nsocketmap_path = "map.sock"',
  );
  const here = await desk(t, { config });
  const other = net.createServer((socket) => socket.end());
  await new Promise<void>((done) => other.listen(socketIn(here, 'map.sock'), done));
  t.teardown(() => other.close());
  const sidecar = await lasting(t, here.configFile, 'run');
  t.equal(await sidecar.ended, 2);
  t.match(sidecar.output(), /another program listens on .*map\.sock already/);
  t.match(await statusOf(here), { sidecar: null });
});

t.test('SIGHUP: a section that comes starts it, one that goes ends it; its rules are reread', async (t) => {
  const { here, sidecar } = await running(t);
  const pid = await runs(here);
  writeFileSync(here.configFile, SUBMISSION('mode = "send-as"\n'));
  sidecar.child.kill('SIGHUP');
  await sidecar.said('configuration reread by the submission filter');
  await sidecar.said('configuration reread');
  t.equal(await filterPid(here), pid, 'the same process');
  writeFileSync(here.configFile, WITH_SENDERS);
  sidecar.child.kill('SIGHUP');
  await sidecar.said('configuration reread', 2);
  t.notOk(isThere(pid));
  t.equal((await statusOf(here)).filter, null);
  writeFileSync(here.configFile, SUBMISSION());
  sidecar.child.kill('SIGHUP');
  await sidecar.said('configuration reread', 3);
  t.ok(await greets(here));
  t.equal(await sidecar.end('SIGTERM'), 0);
});

t.test('process = "unit": run starts none, and leaves alone who does', async (t) => {
  const { here, sidecar } = await running(t, 'process = "unit"\n');
  t.match(await statusOf(here), { filter: { process: 'unit', running: null } });
  t.match((await here.mandat('status')).stdout, /^filter +not running.*"systemctl start mandat-filter"$/m);
  const unit = await lasting(t, here.configFile, 'filter');
  await unit.said('filtering submissions');
  t.equal(await filterPid(here), unit.pid);
  t.equal(await sidecar.end('SIGTERM'), 0);
  t.ok(await greets(here), 'it needs no sidecar');
  t.equal(await unit.end('SIGTERM'), 0);
  t.equal(sidecar.log().filter(({ msg }) => msg === 'filtering submissions').length, 0);
});
