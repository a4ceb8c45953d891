/** Copying into a backup: a database page by page from its snapshot, a plain file as it is. Each copy is 0600 and on the disk when it is done. */
import { closeSync, constants, fstatSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { Failure } from '../shared/failure.ts';
import { differenceIn, examineCopy, factsOf } from './database-facts.ts';
import { digestOf, type ManifestEntry } from './manifest.ts';
import type { Snapshot } from './moment.ts';

/** So many pages at a time, then the event loop has its turn: some milliseconds. */
const PAGES = 500;

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;

/** The whole snapshot, proven: integrity_check, and the same schema and numbers of rows as what it was taken from. */
export async function copyDatabase({ database, kind }: Snapshot, name: string, to: string): Promise<ManifestEntry> {
  closeSync(openSync(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)); // or SQLite would make it for everybody to read
  await database.backup(to, { progress: () => PAGES });
  const before = factsOf(database);
  const facts = examineCopy(to, kind);
  const difference = differenceIn(before, facts);
  if (difference !== undefined) {
    throw new Failure('internal', `the copy of ${kind.what} is not what was copied: ${difference}`, 'take it again');
  }
  rmSync(`${to}-journal`, { force: true });
  const fd = openSync(to, O_RDONLY | O_NOFOLLOW);
  try {
    fsyncSync(fd);
    return { name, ...digestOf(fd), database: facts };
  } finally {
    closeSync(fd);
  }
}

/** A plain file that is there, opened before: what stands under its name later doesn't count. */
export function copyOpened(from: number, name: string, to: string): ManifestEntry {
  const fd = openSync(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    const digest = digestOf(from, (portion) => writeAll(fd, portion));
    fsyncSync(fd);
    return { name, ...digest };
  } finally {
    closeSync(fd);
  }
}

/** Undefined where there is none. Fails `config` for a link, and for what is no file. */
export function openPlain(file: string): number | undefined {
  let fd: number;
  try {
    fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK); // a pipe would keep us waiting
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') {
      throw new Failure('config', `${file} is a link, which mandat does not follow`, 'find out who put it there');
    }
    throw error;
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new Failure('config', `${file} is no file`, 'find out who put it there');
}

function writeAll(fd: number, portion: Buffer): void {
  for (let at = 0; at < portion.length; ) at += writeSync(fd, portion, at);
}

/** So that what was made or renamed in it is there after a power cut. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
