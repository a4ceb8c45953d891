/** Where a backup lies: a directory of its own that nobody else may write or look into, on a way that nobody else may change. */
import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { othersMayChange } from '../../config/trusted.ts';
import { Failure } from '../shared/failure.ts';
import type { Owner } from '../shared/unix-user.ts';
import { makeDirectory } from '../store/files/directories.ts';

/**
 * By root or the owner of the data, for the owner. One that is there stays as it is: {@link judgeBackupPlace} looks at it. Fails `config` where
 * somebody else could put another in its place.
 */
export function makeBackupPlace(directory: string, { uid, gid }: Owner): void {
  if (reachable(directory, () => lstatSync(directory, { throwIfNoEntry: false })) !== undefined) return;
  const above = path.dirname(path.resolve(directory));
  if (lstatSync(above, { throwIfNoEntry: false }) === undefined) {
    throw new Failure('config', `${above} is not there`, 'make it first, or name another place');
  }
  refuseOpenWay(above, uid);
  const byRoot = process.geteuid?.() === 0 && uid !== 0;
  reachable(directory, () => makeDirectory(directory, 0o700, byRoot ? gid : undefined, byRoot ? uid : undefined));
}

/** Fails `config` where it isn't a directory of this user's (or root's) that only they and root may write or enter. */
export function judgeBackupPlace(directory: string): void {
  const stat = reachable(directory, () => lstatSync(directory, { throwIfNoEntry: false }));
  const uid = process.geteuid?.() ?? 0;
  if (stat === undefined) throw new Failure('config', `${directory} is not there`, 'name a backup that is there');
  if (!stat.isDirectory()) {
    const what = stat.isSymbolicLink() ? 'a link, which mandat does not follow' : 'no directory';
    throw new Failure('config', `${directory} is ${what}`, 'name the directory itself');
  }
  refuseOpenWay(directory, uid);
  if ((stat.mode & 0o077) !== 0) {
    throw new Failure(
      'config',
      `${directory} may be entered by others (mode ${(stat.mode & 0o7777).toString(8)}): the key of the audit trail and people's addresses lie there`,
      `chmod 700 ${directory}`,
      { rule: 'UNSAFE_PLACE' },
    );
  }
}

export function refuseOpenWay(directory: string, uid: number): void {
  const open = reachable(directory, () => othersMayChange(directory, uid));
  if (open === undefined) return;
  throw new Failure(
    'config',
    `${directory} is not safe for a backup: ${open.message}`,
    `what belongs to somebody else may have been altered; take that right away, or chown it to user ${uid} once you know what it holds`,
    { rule: 'UNSAFE_PLACE' },
  );
}

/** What lies there. Fails `config` where this user may not look. */
export function namesIn(directory: string): readonly string[] {
  return [...reachable(directory, () => readdirSync(directory))].sort();
}

/** Fails `config` where this user has no way there. */
export function reachable<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new Failure(
      'config',
      `${place} can't be reached by user ${process.geteuid?.() ?? '?'}`,
      'mandat reads and writes it as the user whose data these are: choose a place that they can reach, and give it to them (chown)',
      { cause: error },
    );
  }
}
