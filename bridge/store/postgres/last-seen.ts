/**
 * How far the table in PostgreSQL had come when it was last seen from this machine: a file beside the key, outside of any database. A replica that is
 * promoted without the last commits, a dump put back, a primary from before a fail-over: none of them can know of it.
 */
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export interface LastSeen {
  /** Which table it is (settings `epoch`). */
  readonly epoch: string;
  /** It grows with every change. */
  readonly version: number;
  /** `SYSTEM/TIMELINE`: the cluster's own number, and 8 hexadecimal digits that grow when a replica is promoted. Empty: not told. */
  readonly history: string;
}

/** Which server's history this is: the cluster's own number, and the timeline, which a promotion begins. Null on a replica. */
export const HISTORY = `CASE WHEN pg_is_in_recovery() THEN NULL
  ELSE (SELECT system_identifier FROM pg_control_system()) || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END`;

const FORM = /^(\S{1,64}) (\d{1,16}) (\d{1,20}\/[0-9A-F]{8})?\n$/;

/** Undefined where nothing was seen yet, what is there is no such note, or this user can't read it. */
export function lastSeen(file: string): LastSeen | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'EACCES'].includes(`${error.code}`)) return undefined;
    throw error;
  }
  const [, epoch, version, history = ''] = FORM.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch, version: Number(version), history };
}

/** Of the same table only what is more than was seen before. */
export function noteLastSeen(file: string, seen: LastSeen): void {
  const before = lastSeen(file);
  if (before !== undefined) {
    if (before.epoch !== seen.epoch || before.version > seen.version) return;
    if (before.version === seen.version && before.history === seen.history) return;
  }
  writeLastSeen(file, seen);
}

/** Whatever was seen before. Whole or not at all. */
export function writeLastSeen(file: string, { epoch, version, history }: LastSeen): void {
  if (epoch === '') return; // no table yet
  const draft = `${file}.${process.pid}`;
  rmSync(draft, { force: true });
  try {
    const fd = openSync(draft, 'wx', 0o600);
    try {
      writeFileSync(fd, `${epoch} ${version} ${history}\n`);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Whether this one is a primary from before a fail-over that was seen already. */
export function isSuperseded(history: string, before: LastSeen | undefined): boolean {
  const [system, timeline = ''] = history.split('/');
  const [lastSystem, last = ''] = (before?.history ?? '').split('/');
  return history !== '' && system === lastSystem && timeline < last;
}
