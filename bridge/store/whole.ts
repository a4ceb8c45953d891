/** Files that get their name when they are whole, so that nobody ever meets half of one: another init, or the next after a crash. */
import { linkSync, rmSync } from 'node:fs';

/** Names that SQLite puts beside a database. */
const BESIDE = ['', '-wal', '-shm', '-journal'];

/** Returns false when somebody else was faster: his file stands then. */
export function makeWhole(file: string, make: (draft: string) => void): boolean {
  const draft = `${file}.${process.pid}`;
  const discard = () => {
    for (const end of BESIDE) rmSync(draft + end, { force: true });
  };
  discard(); // what a process of the same number may have left
  try {
    make(draft);
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    discard();
  }
}
