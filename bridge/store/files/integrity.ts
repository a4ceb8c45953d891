/** Whether a database is whole. */
import { existsSync } from 'node:fs';
import { Failure } from '../../shared/failure.ts';
import { type FileKind, leavesNoTrace, open } from './open.ts';

/** What SQLite complains of, at most three lines; empty where the file is whole. Fails `config` where it is none of ours. */
export function complaintsOf(file: string, kind: FileKind): readonly string[] {
  const database = open(file, kind, { readonly: leavesNoTrace(file) });
  try {
    const lines = database.prepare('PRAGMA quick_check(3)').pluck().all() as string[];
    return lines.filter((line) => line !== 'ok').map((line) => `${file}: ${line}`);
  } catch (error) {
    return [`${file}: ${(error as Error).message}`]; // so damaged that the check itself gives up
  } finally {
    database.close();
  }
}

/** Fails `config` for the first that isn't whole. */
export function refuseDamaged(files: readonly (readonly [string, FileKind])[]): void {
  for (const [file, kind] of files) {
    const [complaint] = existsSync(file) ? complaintsOf(file, kind) : [];
    if (complaint === undefined) continue;
    throw new Failure(
      'config',
      `${kind.what} is damaged: ${complaint}`,
      'stop the sidecar before a file is put in place, take -wal and -shm away, and put the backup back once more',
    );
  }
}
