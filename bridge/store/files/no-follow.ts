/** Modes and groups by what is open, never by a path that somebody may have turned into a link meanwhile. */
import { chmodSync, chownSync, closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from 'node:fs';
import { Failure } from '../../shared/failure.ts';

/**
 * open(2): a handle on the place itself. Closing it, unlike any other, doesn't give up the locks that SQLite holds on the same file in this
 * process (fcntl(2)). Linux's number, which node doesn't name.
 */
const O_PATH = 0o10000000;

/** Of what isn't there yet, nothing. Fails `config` for a link, and for what is neither a file nor a directory. */
export function refuseLink(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat !== undefined) refuse(path, stat);
}

/** `gid`: undefined leaves the group. Changes only what differs. */
export function setModeAndGroup(path: string, mode: number, gid: number | undefined): void {
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    const stat = fstatSync(fd);
    refuse(path, stat);
    const opened = `/proc/self/fd/${fd}`;
    if (gid !== undefined && stat.gid !== gid) chownSync(opened, -1, gid);
    if ((stat.mode & 0o7777) !== mode) chmodSync(opened, mode);
  } finally {
    closeSync(fd);
  }
}

function refuse(path: string, stat: Stats): void {
  if (stat.isFile() || stat.isDirectory()) return;
  throw new Failure(
    'config',
    `${path} is ${stat.isSymbolicLink() ? 'a link' : 'no file'}, which mandat doesn't follow`,
    'find out who put it there; what belongs there is the file itself',
    { rule: 'UNSAFE_PLACE' },
  );
}
