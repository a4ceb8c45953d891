/** The real servers, the built `mandat run`, the wire between them, and the databases as anybody may read them. One world serves many histories. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import { folderName } from '../../../bridge/imap/folder-name.ts';
import { connectImap, quoted, type RawImap } from '../../../config/lab/raw-imap.ts';
import { type Sink, startSink } from '../../notify/sink.ts';
import { routeThrough } from '../../servers/imap-proxy.ts';
import { at, password, type Running, type Site, startSite } from '../../servers/site.ts';
import { type Group, groupAt } from './group.ts';
import { MAX_PAIRS, NAMES, PEOPLE, type Person } from './people.ts';
import { openWire, type Wire } from './wire-between.ts';

export interface World {
  readonly site: Site;
  readonly wire: Wire;
  readonly sink: Sink;
  readonly groups: readonly Group[];
  /** Undefined: none runs. */
  sidecar: Running | undefined;
  frozen: boolean;
  /** Of one that a trap has killed: it is waited for before another is started. */
  ending: Promise<unknown> | undefined;
  /** How often one was ended by SIGKILL: what it had in hand may be told twice. */
  kills: number;
  /** What happened that nobody has an explanation for, though all held. */
  readonly oddities: string[];
  readonly logs: Running['log'][];
  /** The last of the sidecar's log lines, for a diagnosis. */
  log(): string;
  /** All that sidecars and servers have said, or the end of it. */
  everything(): string;
  stop(): Promise<void>;
}

export interface WorldOptions {
  readonly inherit: boolean;
  /** How many groups of people play side by side. Default: 1. */
  readonly groups?: number;
}

export async function startWorld({ inherit, groups: count = 1 }: WorldOptions): Promise<World> {
  const groups = Array.from({ length: count }, (_, index) => groupAt(index));
  const sink = await startSink();
  const site = await startSite({
    users: [...groups.flatMap(({ named }) => PEOPLE.map(named)), 'mandat'],
    inherit,
    filter: true,
    chroot: false, // or smtpd can't reach the filter's socket
    extraMain:
      'smtpd_soft_error_limit = 1000000\nsmtpd_hard_error_limit = 1000001\nsmtpd_junk_command_limit = 1000000\n',
    extraDovecot: {
      '2.3': 'protocol imap {\n  mail_max_userip_connections = 200\n}\n',
      '2.4': 'protocol imap {\n  mail_max_userip_connections = 200\n}\n',
    },
    extraImap: 'timeout_seconds = 30\n',
    extraToml: `[notices]\nport = ${sink.port}\ntls = "none"\nfrom = "${at('mandat')}"\npassword_file = "smtp.secret"\nending_days = 0
[guard]\nmax_pairs = ${MAX_PAIRS * count}\n[schedule]\npoll_interval_ms = 100\nretry_min_seconds = 1\nretry_max_seconds = 1\nlogin_retry_seconds = 1\nsweep_logins_per_second = 0`,
  });
  await writeFile(path.join(site.lab.directory, 'smtp.secret'), password('mandat'), { mode: 0o600 });
  const wire = await openWire(site.lab.imap);
  await routeThrough(site, wire);
  await Promise.all(
    groups.map(async (group) => {
      const { named } = group;
      await site.register(named('alice'), named('bob'), named('carol'), named('dave'));
      await site.register(named('bob'));
      await Promise.all(PEOPLE.map((name) => asPerson(site, name, furnish, group)));
    }),
  );
  const logs: Running['log'][] = [];
  const world: World = {
    site,
    wire,
    sink,
    groups,
    logs,
    oddities: [],
    sidecar: undefined,
    frozen: false,
    ending: undefined,
    kills: 0,
    log: () =>
      (world.sidecar?.log() ?? [])
        .slice(-25)
        .map((line) => JSON.stringify(line))
        .join('\n'),
    everything: () => {
      const { dovecot, postfix } = site.lab.logs();
      const lines = logs.flatMap((log, index) => [
        `-- sidecar ${index + 1}`,
        ...log().map((line) => JSON.stringify(line)),
      ]);
      return [...lines.slice(-4000), '-- dovecot', dovecot.slice(-200_000), '-- postfix', postfix.slice(-200_000)].join(
        '\n',
      );
    },
    stop: async () => {
      thaw(world);
      await site.stop();
      await wire.close();
      await sink.close();
    },
  };
  await startSidecar(world);
  return world;
}

/** What every account has. */
async function furnish(imap: RawImap): Promise<void> {
  for (const folder of ['Drafts', 'Sent', 'Trash', 'Junk']) await imap.command(`STATUS ${folder} (MESSAGES)`);
  await imap.command('CREATE Affaires');
  await imap.append('INBOX', 'Subject: first\r\n\r\nfirst\r\n');
}

/** Attempts to start one. */
const STARTS = 6;

const starting = new WeakMap<World, Promise<void>>();

/** Whoever asks while one is being started waits for that one. */
export async function startSidecar(world: World): Promise<void> {
  const before = starting.get(world) ?? Promise.resolve();
  const mine = before.catch(() => {}).then(() => startOne(world));
  starting.set(world, mine);
  await mine;
}

async function startOne(world: World): Promise<void> {
  await world.ending;
  world.ending = undefined;
  await noteEnd(world);
  for (let time = 1; world.sidecar === undefined; time++) {
    try {
      world.sidecar = await world.site.run();
      world.logs.push(world.sidecar.log);
    } catch (error) {
      // Restarted as systemd does, where its filter, of lower priority, has not come up in time on a machine that is busy with other things.
      if (time === STARTS || !/ended with 5/.test(String(error))) throw error;
      world.oddities.push(`a start failed: ${error}`);
    }
  }
  thaw(world);
}

/** One that has ended by itself to be started anew, as systemd does, is started anew; any other end is a failure. */
async function noteEnd(world: World): Promise<void> {
  const { sidecar } = world;
  if (sidecar === undefined || isThere(sidecar.pid)) return;
  const status = await sidecar.end();
  world.oddities.push(`the sidecar ended by itself with ${status}:\n${world.log()}`);
  if (status !== 5) throw new Error(`mandat run ended by itself with ${status}`);
  world.sidecar = undefined;
  world.frozen = false;
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export async function endSidecar(world: World, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const { sidecar } = world;
  if (sidecar === undefined) return;
  if (signal === 'SIGTERM') thaw(world);
  else world.kills++;
  world.sidecar = undefined;
  world.frozen = false;
  const end = sidecar.end(signal);
  world.ending = end;
  await end;
}

export function freeze(world: World): void {
  if (world.sidecar === undefined || world.frozen) return;
  process.kill(world.sidecar.pid, 'SIGSTOP');
  world.frozen = true;
}

export function thaw(world: World): void {
  if (world.sidecar !== undefined && world.frozen) process.kill(world.sidecar.pid, 'SIGCONT');
  world.frozen = false;
}

/** Rows of a database that is only read, as objects. */
export function rowsIn<T>(file: string, sql: string, ...values: readonly unknown[]): T[] {
  const database = new Database(file, { readonly: true, timeout: 10_000 });
  try {
    return database.prepare(sql).all(...values) as T[];
  } finally {
    database.close();
  }
}

export async function asPerson<T>(
  site: Pick<Site, 'lab'>,
  name: Person,
  work: (imap: RawImap) => Promise<T>,
  { named }: Group,
): Promise<T> {
  const imap = await connectImap(site.lab.imap);
  try {
    const { status, text } = await imap.login(at(named(name)), password(named(name)));
    if (status !== 'OK') throw new Error(`login of ${named(name)}: ${text}`);
    return await work(imap);
  } finally {
    imap.close();
  }
}

/** Which processes hold a lock of the table or the state, for a diagnosis. */
export function whoLocks({ site }: Pick<World, 'site'>): string {
  const files = [site.table, site.stateFile].flatMap((file) => [file, `${file}-shm`]);
  const inodes = new Map(
    files.flatMap((file) => (existsSync(file) ? [[String(statSync(file).ino), file] as const] : [])),
  );
  const held = readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, , , kind = '', pid = '', place = '', from, to] = line.trim().split(/\s+/);
      const file = inodes.get(place.split(':')[2] ?? '');
      return file === undefined ? [] : [`${path.basename(file)}: ${kind} ${from}-${to} by ${pid}`];
    });
  const mode = rowsIn<{ journal_mode: string }>(site.table, 'PRAGMA journal_mode')[0]?.journal_mode;
  return [`the table's journal: ${mode}`, ...held].join('\n');
}

export function lastEntry({ site }: Pick<World, 'site'>): number {
  return rowsIn<{ id: number | null }>(site.stateFile, 'SELECT max(id) AS id FROM audit')[0]?.id ?? 0;
}

/** A folder of the histories by its numbers, as it stands on the wire, for its owner or, with `root`, for somebody else. */
export function folderAt(name: number, below: number | undefined, root = ''): string {
  const written = [below, name].filter((one) => one !== undefined).map((one) => folderName(NAMES[one] ?? ''));
  return quoted(`${root}${written.join('/')}`);
}
