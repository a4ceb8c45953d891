/** Troubles that begin and end while the sidecar works: a directory that takes no writes, and a control group with little memory. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../../config/lab/wait.ts';
import { outcome } from '../../servers/outcomes.ts';
import { grantRow, revokeRow } from '../../servers/rows.ts';
import type { Running, Site } from '../../servers/site.ts';
import { idleBusy, residentKb } from './inject.ts';
import { becomes, defects, inForce, notTried, type Played, run, startedWith, type Trouble } from './trouble.ts';

/**
 * Below a directory nothing can be written, made or removed from one moment to the next, open files included. By `chattr +i`: the kernel makes no file
 * system read-only while files are open for writing (EBUSY), and an ext4 that has done so after an error can't be made writable again in place.
 * `mapped`: SQLite's shared memory too, which is a mapped file; else it is left out.
 */
async function immutable(directory: string, on: boolean, mapped: boolean): Promise<void> {
  const files = readdirSync(directory).filter((name) => mapped || !name.endsWith('-shm'));
  const all = [...files.map((name) => path.join(directory, name)), directory];
  await run('chattr', [on ? '+i' : '-i', ...all]);
}

/** Whether this file system has it. */
async function canBeImmutable(directory: string): Promise<boolean> {
  try {
    await run('chattr', ['+i', directory]);
    await run('chattr', ['-i', directory]);
    return true;
  } catch {
    return false;
  }
}

const NO_CHATTR = notTried('this file system knows no chattr +i');

async function takesNoWrites(site: Site, below: string): Promise<Played> {
  const directory = path.join(site.lab.directory, below);
  if (!(await canBeImmutable(directory))) return NO_CHATTR;
  const wrong: string[] = [];
  const sidecar = await site.run();
  for (const granting of [true, false]) {
    const change = () => (granting ? grantRow(site, 'alice', 'bob') : revokeRow(site, 'alice', 'bob'));
    await immutable(directory, true, false);
    try {
      const written = await change().then(
        () => true,
        () => false,
      );
      if (written === (below === 'table')) wrong.push(`the row was written: ${written}`);
      // What its own state can't take it can't say in it: the log has it then.
      if (below === 'sender')
        await waitFor('status says so', 30_000, async () => (await outcome(site, 'alice'))?.failure?.retryAt).catch(
          () => wrong.push('status does not say that it is tried again'),
        );
      else await delay(2000);
      const busy = await idleBusy(sidecar.pid, 2000).catch(() => undefined);
      if (busy === undefined) return await itEnded(site, sidecar);
      if (busy > 0.5) wrong.push(`${busy} of the time while nothing can be written`);
      if (below === 'private' && granting && (await inForce(site))) wrong.push('access without a record of it');
      if (below === 'table' && (await inForce(site)) === granting) wrong.push('access that no row gives or takes');
    } finally {
      await immutable(directory, false, true);
    }
    if (below === 'table') await change();
    await becomes(site, granting, wrong);
  }
  const said = defects(sidecar, wrong);
  await site.stopSidecars();
  return { wrong, said };
}

async function itEnded(site: Site, sidecar: Running): Promise<Played> {
  const status = await sidecar.end();
  await site.stopSidecars();
  return { wrong: [`it has ended by itself with ${status}: ${JSON.stringify(sidecar.log().slice(-4))}`], said: '' };
}

/** A process that writes into a mapped file which can't be written any more is ended by the kernel (SIGBUS), sooner or later. systemd starts it anew. */
async function mappedToo(site: Site): Promise<Played> {
  const directory = path.join(site.lab.directory, 'private');
  if (!(await canBeImmutable(directory))) return NO_CHATTR;
  const wrong: string[] = [];
  let said = 'it goes on';
  for (const granting of [true, false]) {
    const sidecar = await site.run();
    await immutable(directory, true, true);
    try {
      await (granting ? grantRow(site, 'alice', 'bob') : revokeRow(site, 'alice', 'bob'));
      await delay(5000);
      if (granting && (await inForce(site))) wrong.push('access without a record of it');
      if (!runs(sidecar.pid)) {
        const { status, stderr } = await site.mandat('run');
        if (status === 0 || status === null || /\n {4}at /.test(stderr))
          wrong.push(`started anew: ${status} ${stderr}`);
        said = `the kernel ends it; started anew: exit ${status}, ${stderr.trim().slice(0, 200)}`;
      }
    } finally {
      await immutable(directory, false, true);
    }
    const last = runs(sidecar.pid) ? sidecar : await site.run();
    await becomes(site, granting, wrong);
    defects(last, wrong);
    await site.stopSidecars();
  }
  return { wrong, said };
}

/** Not ended, and no zombie. */
function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Sockets stand in the runtime directory; they are made at the start alone. */
async function socketDirectory(site: Site): Promise<Played> {
  const directory = path.join(site.lab.directory, 'run');
  if (!existsSync(directory)) return notTried('this site has no runtime directory');
  if (!(await canBeImmutable(directory))) return NO_CHATTR;
  const wrong: string[] = [];
  const sidecar = await site.run();
  await run('chattr', ['+i', directory]);
  try {
    for (const granting of [true, false]) {
      await (granting ? grantRow(site, 'alice', 'bob') : revokeRow(site, 'alice', 'bob'));
      await becomes(site, granting, wrong);
    }
  } finally {
    await run('chattr', ['-i', directory]);
  }
  const said = defects(sidecar, wrong);
  await site.stopSidecars();
  return { wrong, said };
}

const MB = 1024 * 1024;
/** All that it gets, from its start on; it takes some 130 where nobody limits it. */
const ROOM = 160 * MB;
const CHANGES = 12;

/** A control group of this machine's with a limit on memory, of either version of the kernel's interface. */
interface Group {
  readonly directory: string;
  used(): number;
  readonly most: number;
  limit(bytes: number): void;
  /** How often the kernel has ended a process in it. */
  killed(): number;
}

function newGroup(): Group | undefined {
  const name = `mandat-proof-${process.pid}`;
  const places = [
    {
      top: '/sys/fs/cgroup/memory',
      used: 'memory.usage_in_bytes',
      max: 'memory.limit_in_bytes',
      events: 'memory.oom_control',
    },
    { top: '/sys/fs/cgroup', used: 'memory.current', max: 'memory.max', events: 'memory.events' },
  ];
  for (const { top, used, max, events } of places) {
    const directory = path.join(top, name);
    try {
      mkdirSync(directory);
      const read = (file: string) => readFileSync(path.join(directory, file), 'utf8');
      read(max);
      return {
        directory,
        used: () => Number(read(used)),
        get most() {
          return Number(read(max));
        },
        limit: (bytes) => writeFileSync(path.join(directory, max), String(bytes)),
        killed: () => Number(/^oom_kill (\d+)/m.exec(read(events))?.[1] ?? 0),
      };
    } catch {
      if (existsSync(directory)) rmdirSync(directory);
    }
  }
  return undefined;
}

async function littleRoom(site: Site): Promise<Played> {
  const group = newGroup();
  if (group === undefined) return notTried('no control group with a limit on memory can be made here');
  group.limit(ROOM);
  const wrong: string[] = [];
  const enter = path.join(site.lab.directory, 'enter.cjs');
  writeFileSync(
    enter,
    `require('node:fs').writeFileSync(${JSON.stringify(`${group.directory}/cgroup.procs`)}, String(process.pid));`,
  );
  const sidecar = await startedWith(site, { PROOF_NODE_ARGUMENTS: `--require ${enter}` });
  try {
    const inside = readFileSync(path.join(group.directory, 'cgroup.procs'), 'utf8').split('\n');
    if (!inside.includes(String(sidecar.pid))) wrong.push('the sidecar is not in the group');
    const first = residentKb(sidecar.pid);
    for (let change = 0; change < CHANGES && runs(sidecar.pid); change++) {
      await (change % 2 === 0 ? grantRow(site, 'alice', 'bob') : revokeRow(site, 'alice', 'bob'));
      await becomes(site, change % 2 === 0, wrong);
    }
    const last = residentKb(sidecar.pid);
    if (group.killed() > 0) wrong.push(`the kernel has ended ${group.killed()} of its processes`);
    const said = `${Math.round(group.used() / MB)} MB of ${Math.round(group.most / MB)}; resident ${first} kB, then ${last}`;
    return { wrong, said: [said, defects(sidecar, wrong)].filter((one) => one !== '').join('; ') };
  } finally {
    await site.stopSidecars();
    await waitFor(
      'the group is empty',
      10_000,
      () => readFileSync(path.join(group.directory, 'cgroup.procs'), 'utf8') === '',
    );
    rmdirSync(group.directory);
  }
}

export const RUNNING_TROUBLES: readonly Trouble[] = [
  ...['private', 'sender', 'table'].map(
    (below): Trouble => [`${below}/ takes no more writes while it runs`, (site) => takesNoWrites(site, below)],
  ),
  ["private/ takes no more writes while it runs, SQLite's shared memory neither", mappedToo],
  ['the directory of its sockets takes no more writes while it runs', socketDirectory],
  ['160 MB of memory, by control group', littleRoom],
];
