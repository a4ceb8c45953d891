/**
 * A site whose submission filter has more to do than it can, while a directory is imported that renames everybody, and a hundred thousand
 * audit events come at once; and a revoke beside all that, from its commit to the BYE.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { waitFor } from '../../config/lab/wait.ts';
import { builtMandat } from '../cli/built.ts';
import { extractOf, type Line } from '../directory/extract-maker.ts';
import { at, startSite } from './site.ts';

const BOB: Line = { identifier: '810101026994', lastName: 'MARTIN', firstName: 'BOB' };
/** Delegates whom each import renames, beside thousands who are only listed. */
const RENAMED = 1000;
const LISTED = 20_000;
const EVENTS = 100_000;
const LIMIT_MS = 60_000;

const person = (n: number) => `8${String(n).padStart(11, '0')}`;

const GRANT = `INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${BOB.identifier}')`;
const REVOKE = `DELETE FROM delegation WHERE delegate = '${BOB.identifier}'`;
const PEOPLE = `INSERT INTO mailbox (address) VALUES ('${at('alice')}');
  INSERT INTO delegate (id, login) VALUES ('${BOB.identifier}', '${at('bob')}');
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${RENAMED})
  INSERT INTO delegate (id, login) SELECT printf('8%011d', i), 'd' || i FROM n`;
const MANY_EVENTS = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${EVENTS})
  INSERT INTO events (at, actor, action, mailbox) SELECT '2026-11-28T08:00:00.000Z', 'sql', 'seen', 'm' || i || '@lab.test' FROM n`;

/** With a sidecar and its filter, which rest until something is begun. */
export async function startBusySite() {
  const site = await startSite({ users: ['alice', 'bob'], scheme: 'rpps', filter: true, reuse: false });
  const extracts = ['MARTIN', 'BERNARD'].map((lastName) => {
    const others = Array.from({ length: LISTED }, (_, n) => ({ identifier: person(n + 1), lastName, firstName: 'A' }));
    const file = path.join(site.lab.directory, `${lastName}.txt`);
    writeFileSync(file, extractOf([BOB, ...others]));
    return file;
  });
  const table = new Database(site.table, { timeout: LIMIT_MS });
  const state = new Database(site.stateFile, { readonly: true, timeout: LIMIT_MS });
  const verifiedVersion = state
    .prepare<[string], number>('SELECT verified_version FROM outcomes WHERE address = ?')
    .pluck();
  const version = table
    .prepare<[], number>('SELECT version FROM pending WHERE mailbox_id = (SELECT min(id) FROM mailboxes)')
    .pluck();
  const unsealed = table.prepare<[], number>('SELECT count(*) FROM events').pluck();
  const verified = () =>
    waitFor('it is verified', LIMIT_MS, () => {
      const wanted = version.get();
      return wanted === undefined || (verifiedVersion.get(at('alice')) ?? 0) >= wanted;
    });
  table.exec(PEOPLE);
  await site.run();
  await site.settled(LIMIT_MS);
  const filterPid = async () => {
    const { stdout } = await site.mandat('--json', 'status');
    return (JSON.parse(stdout) as { filter: { running: { pid: number } } }).filter.running.pid;
  };
  return {
    filter: await waitFor('the filter runs', LIMIT_MS, () => filterPid().catch(() => undefined)),
    /** From the commit of the revoke to the BYE on the session that is open, in milliseconds; called right before the one, and after the other. */
    revoke: async (before: () => void = () => {}, after: () => void = () => {}): Promise<number> => {
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
      after();
      await verified();
      return took;
    },
    /** Events that are not in the trail yet. */
    unsealed: () => unsealed.get() ?? 0,
    /** As many as take the sidecar seconds, or what is left of them. */
    events: () => {
      if ((unsealed.get() ?? 0) < EVENTS / 2) table.exec(MANY_EVENTS);
    },
    sealed: () => waitFor('all events are sealed', 5 * LIMIT_MS, () => unsealed.get() === 0),
    /** Feeds the filter, and imports, until it is told to stop; the first import is over. */
    busy: async () => {
      const feeding = spawn(
        'nice',
        ['-n', '10', process.execPath, '-e', feeder(path.join(site.lab.directory, 'run/filter.sock'))],
        { stdio: 'ignore' },
      );
      const directory = await importing(site.configFile, extracts);
      const stop = async () => {
        await killed(feeding);
        await directory.stop();
      };
      try {
        await waitFor('an import is over', LIMIT_MS, () => directory.imports() > 0);
      } catch (error) {
        await stop();
        throw error;
      }
      return { imports: directory.imports, stop };
    },
    stop: async () => {
      table.close();
      state.close();
      await site.stop();
    },
  };
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
async function importing(configFile: string, extracts: readonly string[]) {
  const [node = '', ...first] = await builtMandat();
  let imports = 0;
  let child: ChildProcess;
  let stopped = false;
  const next = () => {
    const args = ['--config', configFile, 'directory', 'import', extracts[imports % 2] ?? ''];
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

/** Processor time that a process has had, in hundredths of a second: fields 14 and 15 of /proc/PID/stat. */
export function worked(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
