/** A file as it is to be, shown before it is written, and put back as it was when what follows fails. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import { failureOf } from '../shared/failure.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface Change {
  readonly file: string;
  readonly after: string;
  /** Of a new file; one that is there keeps its mode and owner. */
  readonly mode?: number;
  readonly owner?: Owner;
  /** Its text is shown to nobody, and no copy of what was there is kept. */
  readonly secret?: boolean;
}

/** A directory that must be there. */
export interface Place {
  readonly directory: string;
  readonly mode: number;
  readonly owner?: Owner;
}

const before = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);

/** Those that change something. */
export function needed(changes: readonly Change[]): readonly Change[] {
  return changes.filter(({ file, after }) => before(file) !== after);
}

/** As a unified diff; of a secret only that it is written. */
export function shown({ file, after, secret = false, mode = 0o644 }: Change): string {
  const was = before(file);
  if (secret)
    return `${file}: ${was === undefined ? 'a new file' : 'written anew'}, a secret, mode ${mode.toString(8)}`;
  const from = was === undefined ? '/dev/null' : file;
  const patch = createTwoFilesPatch(from, file, was ?? '', after, '', '', { context: 2 });
  // Without the library's own headings; a tab would be shown as something that a terminal obeys.
  const plain = patch.replace(/^Index: .*\n=+\n/, '').replace(/\t$/gm, '');
  return plain.replaceAll('\t', '    ').trimEnd();
}

/** Writes them. What was there is kept beside each as FILE.before-mandat, once. Returns how all of it is undone. */
export function write(places: readonly Place[], changes: readonly Change[]): () => void {
  const undo: (() => void)[] = [];
  const undone = () => {
    for (const one of undo.splice(0).reverse()) one();
  };
  try {
    for (const place of places) makePlace(place, undo);
    for (const change of needed(changes)) writeOne(change, undo);
  } catch (error) {
    undone();
    throw error;
  }
  return undone;
}

/** How a directory that is empty, or isn't there, is made so again; one that holds something is left alone. */
export function emptied(directory: string): () => void {
  if (existsSync(directory) && readdirSync(directory).length > 0) return () => {};
  return () => {
    if (!existsSync(directory)) return;
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true, force: true });
  };
}

/** All of them, whatever becomes of one. Returns why those failed that did. */
export async function putBack(undo: readonly (() => unknown)[]): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const one of undo) {
    try {
      await one();
    } catch (error) {
      failed.push(failureOf(error).message);
    }
  }
  return failed;
}

function makePlace({ directory, mode, owner }: Place, undo: (() => void)[]): void {
  if (existsSync(directory)) return;
  makePlace({ directory: dirname(directory), mode: 0o755 }, undo);
  mkdirSync(directory);
  undo.push(() => rmSync(directory, { recursive: true, force: true }));
  if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
  chmodSync(directory, mode);
}

function writeOne({ file, after, mode = 0o644, owner, secret = false }: Change, undo: (() => void)[]): void {
  const was = before(file);
  const stat = was === undefined ? undefined : statSync(file);
  const put = (text: string) => {
    const draft = `${file}.mandat-new`;
    rmSync(draft, { force: true });
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
    const { uid, gid } = stat ?? owner ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    chownSync(draft, uid, gid);
    chmodSync(draft, stat === undefined ? mode : stat.mode & 0o7777);
    renameSync(draft, file);
  };
  const kept = `${file}.before-mandat`;
  if (was !== undefined && !secret && !existsSync(kept)) {
    writeFileSync(kept, was, { mode: 0o600, flag: 'wx' });
    undo.push(() => rmSync(kept, { force: true }));
  }
  put(after);
  undo.push(was === undefined ? () => rmSync(file, { force: true }) : () => put(was));
}
