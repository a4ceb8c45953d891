/**
 * The machine in trouble below a running sidecar: a full disk under each directory of its databases, directories that are read-only at its start, few
 * files and little memory allowed, stopped in the middle, fifty writers at once. `npm run proof:faults -- --machine`.
 */
import { execFile } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { grantRow, revokeRow } from '../../servers/rows.ts';
import { at, type Running, type Site, startSite } from '../../servers/site.ts';
import { seen } from '../../servers/wire.ts';
import { idleBusy } from './inject.ts';

const run = promisify(execFile);
const LIMIT_MS = 90_000;

export interface Survived {
  readonly what: string;
  /** Empty: all as it must be. */
  readonly wrong: readonly string[];
  readonly said: string;
}

/** Each in turn, on one site. */
export async function troubles(say: (one: Survived) => void): Promise<void> {
  const site = await startSite({
    users: ['alice', 'bob', 'carol'],
    postfix: false,
    extraToml: '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 2',
  });
  try {
    await site.register('alice', 'bob', 'carol');
    for (const below of ['private', 'sender', 'table']) say(await fullDisk(site, below));
    for (const below of ['private', 'sender', 'table']) say(await readOnly(site, below));
    say(await stopped(site));
    say(await manyWriters(site));
    say(await fewFiles(site));
    say(await littleMemory(site));
    say(await jumpingClock(site));
  } finally {
    await site.stop();
  }
}

const inForce = async (site: Site) => Object.keys(await seen(site, 'alice', 'bob')).length > 0;

/** By itself, without a restart. */
async function becomes(site: Site, wanted: boolean, wrong: string[]): Promise<void> {
  await site.settled(LIMIT_MS).catch(() => wrong.push('it never settles'));
  if ((await inForce(site)) !== wanted) wrong.push(`access is ${!wanted}`);
}

function defects(sidecar: Running, wrong: string[]): string {
  const log = sidecar.log();
  const defect = log.find(({ code, level }) => code === 'internal' || level === 60);
  if (defect !== undefined) wrong.push(`a defect: ${JSON.stringify(defect)}`);
  const told = log.filter(({ level }) => Number(level) >= 40).map(({ msg }) => String(msg));
  return [...new Set(told)].slice(0, 3).join(' | ').slice(0, 300);
}

/** A file system of 8 MB in a directory's place, with what is in it. */
async function onSmallDisk<T>(site: Site, below: string, work: (directory: string) => Promise<T>): Promise<T> {
  const directory = path.join(site.lab.directory, below);
  const aside = `${directory}.aside`;
  const { uid, gid, mode } = statSync(directory);
  cpSync(directory, aside, { recursive: true, preserveTimestamps: true });
  await run('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=8m,uid=${uid},gid=${gid},mode=${(mode & 0o7777).toString(8)}`,
    'mandat',
    directory,
  ]);
  try {
    await run('cp', ['-a', `${aside}/.`, directory]);
    return await work(directory);
  } finally {
    await site.stopSidecars();
    rmSync(path.join(directory, 'filler'), { force: true });
    await run('rm', ['-rf', aside]);
    mkdirSync(aside);
    await run('cp', ['-a', `${directory}/.`, aside]);
    await run('umount', [directory]);
    for (const name of readdirSync(directory)) rmSync(path.join(directory, name), { recursive: true });
    await run('cp', ['-a', `${aside}/.`, directory]);
    await run('rm', ['-rf', aside]);
  }
}

function fill(directory: string): void {
  const fd = openSync(path.join(directory, 'filler'), 'w');
  for (const size of [65_536, 4096, 1]) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(fd);
}

async function fullDisk(site: Site, below: string): Promise<Survived> {
  const wrong: string[] = [];
  const said = await onSmallDisk(site, below, async (directory) => {
    const sidecar = await site.run();
    for (const granting of [true, false]) {
      const change = () => (granting ? grantRow(site, 'alice', 'bob') : revokeRow(site, 'alice', 'bob'));
      fill(directory);
      const written = await change().then(
        () => true,
        (error) => /full/.test(String(error)) || wrong.push(`another error: ${String(error).slice(0, 200)}`),
      );
      await delay(2000);
      const busy = await idleBusy(sidecar.pid, 2000);
      if (busy > 0.5) wrong.push(`${busy} of the time while the disk is full`);
      rmSync(path.join(directory, 'filler'));
      if (written !== true || below === 'table') await change().catch(() => {}); // it may have got through
      await becomes(site, granting, wrong);
    }
    return defects(sidecar, wrong);
  });
  return { what: `a full disk below ${below}/`, wrong, said };
}

async function readOnly(site: Site, below: string): Promise<Survived> {
  const wrong: string[] = [];
  const said = await onSmallDisk(site, below, async (directory) => {
    await run('mount', ['-o', 'remount,ro', directory]);
    const { status, stderr } = await site.mandat('run');
    if (status === 0 || /\n {4}at /.test(stderr)) wrong.push(`exit ${status}: ${stderr.slice(0, 300)}`);
    await run('mount', ['-o', 'remount,rw', directory]);
    const sidecar = await site.run();
    await grantRow(site, 'alice', 'bob');
    await becomes(site, true, wrong);
    await revokeRow(site, 'alice', 'bob');
    await becomes(site, false, wrong);
    defects(sidecar, wrong);
    return `exit ${status}: ${stderr.trim().slice(0, 200)}`;
  });
  return { what: `${below}/ is read-only when it starts`, wrong, said };
}

async function stopped(site: Site): Promise<Survived> {
  const wrong: string[] = [];
  const sidecar = await site.run();
  for (const granting of [true, false]) {
    await (granting ? grantRow(site, 'alice', 'bob') : revokeRow(site, 'alice', 'bob'));
    for (let time = 0; time < 5; time++) {
      process.kill(sidecar.pid, 'SIGSTOP');
      await delay(300);
      process.kill(sidecar.pid, 'SIGCONT');
      await delay(20);
    }
    await becomes(site, granting, wrong);
  }
  const said = defects(sidecar, wrong);
  await site.stopSidecars();
  return { what: 'SIGSTOP in the middle, again and again', wrong, said };
}

const WRITERS = 50;

async function manyWriters(site: Site): Promise<Survived> {
  const wrong: string[] = [];
  const sidecar = await site.run();
  const rows = Array.from({ length: WRITERS }, (_, n) => n);
  const writer = async (n: number) => {
    const sql = `PRAGMA busy_timeout = 60000; UPDATE delegation SET note = 'writer ${n}' WHERE mailbox = '${at('alice')}' AND delegate = '${at('bob')}';`;
    await run('sqlite3', [site.table, sql]);
  };
  await grantRow(site, 'alice', 'bob');
  const results = await Promise.allSettled(rows.map(writer));
  const failed = results.filter((one) => one.status === 'rejected');
  if (failed.length > 0)
    wrong.push(`${failed.length} of ${WRITERS} writers failed: ${JSON.stringify(failed[0]).slice(0, 300)}`);
  await becomes(site, true, wrong);
  await revokeRow(site, 'alice', 'bob');
  await becomes(site, false, wrong);
  const said = defects(sidecar, wrong);
  await site.stopSidecars();
  return { what: `${WRITERS} writers at once`, wrong, said };
}

/** So few that connections fail while it works: told, and over when they are given back. */
async function fewFiles(site: Site): Promise<Survived> {
  const wrong: string[] = [];
  const sidecar = await site.run();
  const open = readdirSync(`/proc/${sidecar.pid}/fd`).length;
  const limit = (soft: number) => run('prlimit', [`--pid=${sidecar.pid}`, `--nofile=${soft}:`]);
  for (const granting of [true, false]) {
    await limit(open + 1);
    await (granting ? grantRow(site, 'alice', 'bob') : revokeRow(site, 'alice', 'bob'));
    await delay(3000);
    const busy = await idleBusy(sidecar.pid, 2000);
    if (busy > 0.8) wrong.push(`${busy} of the time without files`);
    await limit(1024);
    await becomes(site, granting, wrong);
  }
  const said = defects(sidecar, wrong);
  await site.stopSidecars();
  return { what: 'no more files may be opened', wrong, said };
}

/** The environment that the next sidecar is started with. */
async function startedWith(site: Site, more: Readonly<Record<string, string>>): Promise<Running> {
  const before = Object.keys(more).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, more);
  try {
    return await site.run();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
const DAY_S = 86_400;

/** Debian's libfaketime, where it is installed: the sidecar's clock alone jumps, while it runs. */
async function jumpingClock(site: Site): Promise<Survived> {
  const what = 'a clock that jumps: a day back, a day ahead, into summer time';
  if (!existsSync(FAKETIME)) return { what: `NOT TRIED, libfaketime is not installed: ${what}`, wrong: [], said: '' };
  const wrong: string[] = [];
  const file = path.join(site.lab.directory, 'clock');
  const jump = (seconds: number) => writeFileSync(file, `${seconds < 0 ? '' : '+'}${Math.round(seconds)}s\n`);
  jump(0);
  const sidecar = await startedWith(site, {
    LD_PRELOAD: FAKETIME,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  });
  const toSummer = () => (Date.parse('2027-03-28T00:59:58Z') - Date.now()) / 1000;
  for (const to of [() => -DAY_S, () => 0, () => DAY_S, () => 0, toSummer]) {
    jump(to());
    await grantRow(site, 'alice', 'bob');
    await becomes(site, true, wrong);
    const busy = await idleBusy(sidecar.pid, 1500);
    if (busy > 0.5) wrong.push(`${busy} of the time after a jump`);
    await revokeRow(site, 'alice', 'bob');
    await becomes(site, false, wrong);
  }
  const said = defects(sidecar, wrong);
  await site.stopSidecars();
  return { what, wrong, said };
}

/** 64 MB of heap are all that it gets: it does its work in them. */
async function littleMemory(site: Site): Promise<Survived> {
  const wrong: string[] = [];
  const sidecar = await startedWith(site, { NODE_OPTIONS: '--max-old-space-size=64' });
  for (let time = 0; time < 5; time++) {
    await grantRow(site, 'alice', 'bob');
    await becomes(site, true, wrong);
    await revokeRow(site, 'alice', 'bob');
    await becomes(site, false, wrong);
  }
  const said = defects(sidecar, wrong);
  await site.stopSidecars();
  return { what: '64 MB of heap', wrong, said };
}
