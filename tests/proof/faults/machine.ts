/**
 * The machine in trouble below a running sidecar: a full disk under each directory of its databases, directories that are read-only at its start, few
 * files and little memory allowed, stopped in the middle, fifty writers at once. `npm run proof:faults -- --machine`.
 */
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { grantRow, revokeRow } from '../../servers/rows.ts';
import { at, type Site } from '../../servers/site.ts';
import { idleBusy } from './inject.ts';
import { becomes, defects, notTried, type Played, run, startedWith, type Trouble } from './trouble.ts';

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

async function fullDisk(site: Site, below: string): Promise<Played> {
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
  return { wrong, said };
}

async function readOnly(site: Site, below: string): Promise<Played> {
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
  return { wrong, said };
}

async function stopped(site: Site): Promise<Played> {
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
  return { wrong, said };
}

const WRITERS = 50;

async function manyWriters(site: Site): Promise<Played> {
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
  return { wrong, said };
}

/** So few that connections fail while it works: told, and over when they are given back. */
async function fewFiles(site: Site): Promise<Played> {
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
  return { wrong, said };
}

const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
const DAY_S = 86_400;

/** Debian's libfaketime, where it is installed: the sidecar's clock alone jumps, while it runs. */
async function jumpingClock(site: Site): Promise<Played> {
  if (!existsSync(FAKETIME)) return notTried('libfaketime is not installed');
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
  return { wrong, said };
}

/** 64 MB of heap are all that it gets: it does its work in them. */
async function littleMemory(site: Site): Promise<Played> {
  const wrong: string[] = [];
  const sidecar = await startedWith(site, { PROOF_NODE_ARGUMENTS: '--max-old-space-size=64' });
  if (!readFileSync(`/proc/${sidecar.pid}/cmdline`, 'utf8').includes('--max-old-space-size=64')) wrong.push('no limit');
  for (let time = 0; time < 5; time++) {
    await grantRow(site, 'alice', 'bob');
    await becomes(site, true, wrong);
    await revokeRow(site, 'alice', 'bob');
    await becomes(site, false, wrong);
  }
  const said = defects(sidecar, wrong);
  await site.stopSidecars();
  return { wrong, said };
}

const DIRECTORIES = ['private', 'sender', 'table'] as const;

export const MACHINE_TROUBLES: readonly Trouble[] = [
  ...DIRECTORIES.map((below): Trouble => [`a full disk below ${below}/`, (site) => fullDisk(site, below)]),
  ...DIRECTORIES.map((below): Trouble => [`${below}/ is read-only when it starts`, (site) => readOnly(site, below)]),
  ['SIGSTOP in the middle, again and again', stopped],
  [`${WRITERS} writers at once`, manyWriters],
  ['no more files may be opened', fewFiles],
  ['64 MB of heap', littleMemory],
  ['a clock that jumps: a day back, a day ahead, into summer time', jumpingClock],
];
