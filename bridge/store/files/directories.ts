/** The directories below data_dir, each with the least that it needs, and whether they are so now. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import { othersMayChange } from '../../../config/trusted.ts';
import { Failure } from '../../shared/failure.ts';
import { isLink, type Owner, ownerOf } from '../../shared/unix-user.ts';
import type { DataFiles } from './data-files.ts';

/** Programs of the shared group make -wal and -shm files beside the table, so they may write there. Without the group nobody does. */
const TABLE = 0o2770;
const ALONE = 0o700;
/** Others pass through (Postfix to the sender map and the sockets), and see and write nothing. */
const PASSAGE = 0o711;

/** `gid`: of the shared group, where there is one. Directories that are there stay as they are; {@link refuseUnsafePlaces} judges them. */
export function makePlaces({ directory, tableDirectory, privateDirectory }: DataFiles, gid: number | undefined): void {
  makeDirectory(directory, PASSAGE);
  makeDirectory(tableDirectory, gid === undefined ? ALONE : TABLE, gid);
  makeDirectory(privateDirectory, ALONE);
}

/** For the sockets. By root for the owner of the data, or by them; where neither may, the service's unit makes it, and who listens says so. */
export function makeRuntimeDirectory(directory: string, { uid, gid }: Owner): void {
  const by = process.geteuid?.();
  if (by !== 0 && by !== uid) return;
  try {
    makeDirectory(directory, PASSAGE, by === 0 ? gid : undefined, by === 0 ? uid : undefined);
  } catch {}
}

/** Mode and group are set on what was opened, whatever the umask. One that is there stays. */
export function makeDirectory(path: string, mode: number, gid?: number, uid?: number): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(dirname(path), { recursive: true });
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return; // another init was faster
    throw error;
  }
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (gid !== undefined || uid !== undefined) fchownSync(fd, uid ?? fstatSync(fd).uid, gid ?? fstatSync(fd).gid);
    fchmodSync(fd, mode);
  } finally {
    closeSync(fd);
  }
}

/** Fails `config` where somebody else than root and the owner of the data could put something in the place of what is ours. */
export function refuseUnsafePlaces(files: DataFiles): void {
  const { directory, tableDirectory, privateDirectory, senderDirectory } = files;
  const owner = dataOwner(files)?.uid;
  if (owner === undefined) return; // whoever needs a file says that it isn't there
  const open = othersMayChange(directory, owner);
  if (open !== undefined) {
    throw unsafe(
      `${directory} is not safe to keep data in: ${open.message}`,
      '"mandat init" takes that right away from data_dir itself; above it: chmod go-w',
    );
  }
  judge(privateDirectory, owner, 0o077, `chmod ${ALONE.toString(8)} ${privateDirectory}`);
  judge(tableDirectory, owner, 0o002, `chmod ${TABLE.toString(8)} ${tableDirectory}`);
  judge(senderDirectory, owner, 0o002, `chmod 2770 ${senderDirectory}`);
}

/** Whom the data belongs to: who has the private directory, where nobody else could have put one there. Undefined where there is none. */
export function dataOwner({ directory, privateDirectory }: DataFiles): Owner | undefined {
  const top = ownerOf(directory);
  if (top === undefined || top.uid !== 0 || othersMayChange(directory, 0) !== undefined) return top;
  return isLink(privateDirectory) ? top : (ownerOf(privateDirectory) ?? top);
}

/** `closed`: mode bits that nobody may have. */
function judge(path: string, owner: number, closed: number, remedy: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const wrong = wrongWith(stat, owner, closed);
  if (wrong !== undefined) throw unsafe(`${path} ${wrong}`, remedy);
}

function wrongWith(stat: Stats, owner: number, closed: number): string | undefined {
  if (!stat.isDirectory()) return `is no directory${stat.isSymbolicLink() ? ', but a link' : ''}`;
  if (stat.uid !== owner && stat.uid !== 0)
    return `belongs to user ${stat.uid}, and not to user ${owner}, as the data do`;
  if ((stat.mode & closed) === 0) return undefined;
  return `has mode ${(stat.mode & 0o7777).toString(8)}: others may ${(closed & 0o040) === 0 ? 'write there' : 'enter it'}`;
}

const unsafe = (message: string, hint: string) => new Failure('config', message, hint, { rule: 'UNSAFE_PLACE' });
