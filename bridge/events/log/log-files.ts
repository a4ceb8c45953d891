/**
 * The files that a log was: what logrotate and its kin have made of it, by renaming it or by copying and emptying it. Found by inode and first
 * octets, not by name; by name only those that came and went while nobody looked.
 */
import { closeSync, constants, openSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { isOf } from './log-file.ts';
import type { FilePosition } from './log-position.ts';

export interface Sibling {
  readonly place: string;
  readonly inode: string;
  readonly size: number;
  /** ms since the epoch */
  readonly written: number;
  /** Whether its name is one that a rotation gives: `LOG.1`, `LOG-20261129`, `events-20261129.log`. */
  readonly isRotated: boolean;
}

const MOST_NAMES = 10_000;
const ROTATED = /^[.-](?:\d[\d._:T-]*|old|bak|prev)$/;

/** All files beside the log whose names begin as its own, itself among them, the oldest first. The log alone where its directory can't be read. */
export function siblings(log: string): readonly Sibling[] {
  const directory = path.dirname(log);
  const base = path.basename(log);
  const extension = path.extname(base);
  const stem = base.slice(0, base.length - extension.length);
  const found: Sibling[] = [];
  for (const name of namesIn(directory, base)) {
    if (!name.startsWith(stem)) continue;
    const place = path.join(directory, name);
    const stat = statSync(place, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isFile()) continue;
    const isRotated = rest(name, base, '') || rest(name, stem, extension);
    found.push({ place, inode: String(stat.ino), size: stat.size, written: stat.mtimeMs, isRotated });
  }
  return found.sort((one, other) => one.written - other.written || byName(one.place, other.place));
}

/** Of two within one tick of the file system's clock: `LOG.2` was before `LOG.1`, `LOG-20261128` before `LOG-20261129`. */
function byName(one: string, other: string): number {
  const [a = '', b = ''] = [one, other].map((place) => /[.-](\d{1,4})$/.exec(place)?.[1]);
  if (a !== '' && b !== '') return Number(b) - Number(a);
  return one < other ? -1 : 1;
}

function namesIn(directory: string, base: string): readonly string[] {
  try {
    return readdirSync(directory).slice(0, MOST_NAMES);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return [base];
    throw error;
  }
}

function rest(name: string, begin: string, end: string): boolean {
  return (
    name.startsWith(begin) && name.endsWith(end) && ROTATED.test(name.slice(begin.length, name.length - end.length))
  );
}

/** The file that this position is of: under whatever name, or a copy of it. */
export function fileOf(position: FilePosition, among: readonly Sibling[]): Sibling | undefined {
  const fits = ({ place, size }: Sibling) => size >= position.at && isAt(place, position);
  return (
    among.find((one) => one.inode === position.inode && fits(one)) ??
    (position.head.octets === 0 ? undefined : among.find((one) => one.inode !== position.inode && fits(one)))
  );
}

/** Whether that file is what this position is of. What can't be opened is another. */
export function isAt(place: string, position: FilePosition): boolean {
  let fd: number;
  try {
    fd = openSync(place, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return false;
  }
  try {
    return isOf(fd, position);
  } finally {
    closeSync(fd);
  }
}
