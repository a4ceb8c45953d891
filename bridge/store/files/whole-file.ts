/** Files that get their name when they are whole, so that nobody ever meets half of one: another init, or the next after a crash. */
import { linkSync, rmSync } from 'node:fs';

/** Names that SQLite puts beside a database. */
const BESIDE = ['', '-wal', '-shm', '-journal'];

/** Returns false when somebody else was faster: their file stands then. */
export function makeWhole(file: string, make: (draft: string) => void): boolean {
  const draft = draftOf(file); // gone again: what a process of the same number may have left
  try {
    make(draft);
    return named(draft, file);
  } finally {
    discard(draft);
  }
}

/** The same for what takes its time. */
export async function makeWholeSlowly(file: string, make: (draft: string) => Promise<void>): Promise<boolean> {
  const draft = draftOf(file, `.${++slow}`);
  try {
    await make(draft);
    return named(draft, file);
  } finally {
    discard(draft);
  }
}

/** This process may be at several. */
let slow = 0;

function draftOf(file: string, which = ''): string {
  const draft = `${file}.${process.pid}${which}`;
  discard(draft);
  return draft;
}

function named(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function discard(draft: string): void {
  for (const end of BESIDE) rmSync(draft + end, { force: true });
}
