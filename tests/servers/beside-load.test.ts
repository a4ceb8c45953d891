/**
 * A revoke waits for nothing: while the submission filter has more to do than it can, a directory is imported and renames everybody, and a
 * hundred thousand audit events come at once, the BYE comes within twice the time that it takes an idle sidecar.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { builtMandat } from '../cli/built.ts';
import { extractOf, type Line } from '../directory/extract-maker.ts';
import { at, type Site, startSite } from './site.ts';

const BOB: Line = { identifier: '810101026994', lastName: 'MARTIN', firstName: 'BOB' };
/** Delegates whom each import renames, beside thousands who are only listed. */
const RENAMED = 1000;
const LISTED = 20_000;
const EVENTS = 100_000;
const ROUNDS = 7;
/** So often the whole comparison is made: others use the machine, too. */
const TRIES = 3;
const LIMIT_MS = 60_000;

const person = (n: number) => `8${String(n).padStart(11, '0')}`;

const site: Site = await startSite({ users: ['alice', 'bob'], scheme: 'rpps', filter: true, reuse: false });
t.teardown(() => site.stop());
const extracts = ['MARTIN', 'BERNARD'].map((lastName) => {
  const others = Array.from({ length: LISTED }, (_, n) => ({ identifier: person(n + 1), lastName, firstName: 'A' }));
  const file = path.join(site.lab.directory, `${lastName}.txt`);
  writeFileSync(file, extractOf([BOB, ...others]));
  return file;
});

const table = new Database(site.table, { timeout: LIMIT_MS });
t.teardown(() => table.close());
const state = new Database(site.stateFile, { readonly: true, timeout: LIMIT_MS });
t.teardown(() => state.close());

const GRANT = `INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${BOB.identifier}')`;
const REVOKE = `DELETE FROM delegation WHERE delegate = '${BOB.identifier}'`;
const verifiedVersion = state
  .prepare<[string], number>('SELECT verified_version FROM outcomes WHERE address = ?')
  .pluck();
const version = table
  .prepare<[], number>('SELECT version FROM pending WHERE mailbox_id = (SELECT min(id) FROM mailboxes)')
  .pluck();

async function verified(): Promise<void> {
  await waitFor('it is verified', LIMIT_MS, () => {
    const wanted = version.get();
    return wanted === undefined || (verifiedVersion.get(at('alice')) ?? 0) >= wanted;
  });
}

/** From the commit of the revoke to the BYE on the session that is open, in milliseconds. `before` comes a moment earlier. */
async function revoke(before: () => void): Promise<number> {
  table.exec(GRANT);
  await verified();
  const open = await site.login('bob');
  const { status, text } = await open.command(`SELECT "shared/${at('alice')}"`);
  if (status !== 'OK') throw new Error(`the delegate can't open the mailbox: ${text}`);
  before();
  const bye = open.waitForBye(LIMIT_MS);
  table.exec(REVOKE);
  const began = performance.now();
  await bye;
  const took = performance.now() - began;
  await verified();
  return took;
}

async function median(before: () => void = () => {}): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) times.push(await revoke(before));
  return times.sort((one, other) => one - other)[Math.floor(ROUNDS / 2)] ?? 0;
}

/** Messages to the filter without pause (by clients who would be on machines of their own, so that their processor time doesn't count), with as much to read in their headers as it takes. */
function feeder(socket: string): string {
  return `
    const net = require('node:net');
    const names = Array.from({ length: 90 }, (_, n) => '"' + 'x'.repeat(60) + n + '" <s' + n + '@y.test>').join(',\\r\\n ');
    const header = Array.from({ length: 60 }, () => 'To: ' + names).join('\\r\\n');
    const login = 'Received: from c (unknown [127.0.0.1])\\r\\n\\t(Authenticated sender: bob@lab.test)\\r\\n\\tby mx (Postfix) with ESMTPA; Mon, 23 Nov 2026 08:00:00 +0000 (UTC)\\r\\n';
    const say = ['EHLO c', 'MAIL FROM:<bob@lab.test>', 'RCPT TO:<bob@lab.test>', 'DATA', login + 'From: ' + names + '\\r\\n' + header + '\\r\\n\\r\\nx\\r\\n.'];
    const begin = () => {
      const socket = net.connect({ path: ${JSON.stringify(socket)} });
      let next = 0;
      socket.setEncoding('latin1').on('data', (text) => {
        if (/^\\d{3} /m.test(text)) next < say.length ? socket.write(say[next++] + '\\r\\n') : socket.destroy();
      });
      socket.on('error', () => {}).on('close', () => setTimeout(begin, 1));
    };
    for (let n = 0; n < 4; n++) begin();`;
}

/** Imports one extract after the other, until it is told to stop. */
async function importing(): Promise<{ readonly imports: () => number; stop(): Promise<void> }> {
  const [node = '', ...first] = await builtMandat();
  let imports = 0;
  let child: ChildProcess;
  let stopped = false;
  const next = () => {
    const args = ['--config', site.configFile, 'directory', 'import', extracts[imports % 2] ?? ''];
    child = spawn(node, [...first, ...args], { stdio: 'ignore' }).once('exit', (status) => {
      if (stopped || status !== 0) return;
      imports++;
      next();
    });
  };
  next();
  return {
    imports: () => imports,
    stop: async () => {
      stopped = true;
      await killed(child);
    },
  };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

const events = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${EVENTS})
  INSERT INTO events (at, actor, action, mailbox) SELECT '2026-11-28T08:00:00.000Z', 'sql', 'seen', 'm' || i || '@lab.test' FROM n`;
const unsealed = table.prepare<[], number>('SELECT count(*) FROM (SELECT 1 FROM events LIMIT 1)').pluck();
const sealed = () => waitFor('all events are sealed', 5 * LIMIT_MS, () => unsealed.get() === 0);

const filterPid = async () => {
  const { stdout } = await site.mandat('--json', 'status');
  return (JSON.parse(stdout) as { filter: { running: { pid: number } } }).filter.running.pid;
};
/** Processor time that a process has had, in hundredths of a second: fields 14 and 15 of /proc/PID/stat. */
const worked = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
};

async function beside(t: Test, filter: number) {
  await sealed();
  const before = worked(filter);
  const idle = await median();
  const between = worked(filter);
  const feeding = spawn(
    'nice',
    ['-n', '10', process.execPath, '-e', feeder(path.join(site.lab.directory, 'run/filter.sock'))],
    {
      stdio: 'ignore',
    },
  );
  const directory = await importing();
  try {
    await waitFor('an import is over', LIMIT_MS, () => directory.imports() > 0);
    const loaded = await median(() => {
      if (unsealed.get() === 0) table.exec(events); // each revoke meets them, or as many as are left
    });
    t.ok(worked(filter) - between > 10 * (between - before), 'the filter has had much more to do');
    return { idle, loaded };
  } finally {
    await killed(feeding);
    await directory.stop();
  }
}

t.test('everything at once', async (t) => {
  table.exec(`INSERT INTO mailbox (address) VALUES ('${at('alice')}');
    INSERT INTO delegate (id, login) VALUES ('${BOB.identifier}', '${at('bob')}');
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${RENAMED})
    INSERT INTO delegate (id, login) SELECT printf('8%011d', i), 'd' || i FROM n`);
  await site.run();
  await site.settled(LIMIT_MS);
  const filter = await waitFor('the filter runs', LIMIT_MS, () => filterPid().catch(() => undefined));
  await twiceAtMost(t, 'beside all that', () => beside(t, filter));
  await sealed();
  await twiceAtMost(t, 'beside a filter that hangs', async () => {
    const idle = await median();
    process.kill(filter, 'SIGSTOP');
    try {
      return { idle, loaded: await median() };
    } finally {
      process.kill(filter, 'SIGCONT');
    }
  });
});

async function twiceAtMost(
  t: Test,
  what: string,
  compared: () => Promise<{ readonly idle: number; readonly loaded: number }>,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { idle, loaded } = await compared();
    const told = `${what} ${Math.round(loaded)} ms, idle ${Math.round(idle)} ms`;
    t.comment(told);
    if (loaded >= 2 * idle && tries < TRIES) continue;
    t.ok(loaded < 2 * idle, told);
    return;
  }
}
