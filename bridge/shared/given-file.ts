/**
 * Files that the user names: opened as who they are, before a command of root's becomes the owner of the data (shared/unix-user.ts), who may
 * have no right to them.
 */
import { closeSync, createReadStream, fstatSync, openSync, type ReadStream, read, type Stats, statSync } from 'node:fs';

const held = new Map<string, number>();

/** What can't be opened is left to whoever reads it, who says so. */
export function holdFiles(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      // A shell's <(...) is such a place; a named pipe elsewhere could keep us waiting.
      if (statSync(path).isFile() || /^\/(?:dev|proc)\//.test(path)) held.set(path, openSync(path, 'r'));
    } catch {}
  }
}

export interface GivenFile {
  readonly fd: number;
  /** It may be read again afterwards. */
  close(): void;
}

export function isHeld(path: string): boolean {
  return held.has(path);
}

/** Octets from `start` to before `end`. What is held stays open when the stream ends. */
export function streamGiven(path: string, range: { readonly start?: number; readonly end?: number } = {}): ReadStream {
  const { start = 0, end = Number.POSITIVE_INFINITY } = range;
  const fd = held.get(path);
  if (fd === undefined) return createReadStream(path, { start, end: end - 1 });
  return createReadStream(path, { fd, start, end: end - 1, fs: { read, close: (_, done) => done?.(null) } as Kept });
}

type Kept = NonNullable<Exclude<Parameters<typeof createReadStream>[1], string | undefined>['fs']>;

/** Of what is held; else of what is there. */
export function statGiven(path: string): Stats {
  const fd = held.get(path);
  return fd === undefined ? statSync(path) : fstatSync(fd);
}

/** Throws what open(2) says. */
export function openGiven(path: string): GivenFile {
  const fd = held.get(path);
  if (fd !== undefined) return { fd, close: () => {} };
  const opened = openSync(path, 'r');
  return { fd: opened, close: () => closeSync(opened) };
}
