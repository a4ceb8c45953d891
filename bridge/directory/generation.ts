/**
 * What is published anew every day: one file a generation, `directory-N.db` in mandat's private directory, made beside and given its name when it is
 * whole. Who reads the old one goes on with it; who opens one next gets the new. Apart from delegation.db, so that millions of rows keep
 * no revoke waiting.
 */
import { chmodSync, closeSync, fsyncSync, openSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { Failure } from '../shared/failure.ts';
import { explained, guarded } from '../store/files/open.ts';
import { makeWholeSlowly } from '../store/files/whole-file.ts';

/** What lies in such files: a directory of people, a list of mailboxes. */
export interface GenerationKind {
  /** For people: `the directory`. */
  readonly what: string;
  /** `directory` makes `directory-N.db`. */
  readonly prefix: string;
  readonly applicationId: number;
  readonly version: number;
  readonly schema: string;
  /** Made when the rows are in: much faster than row by row. */
  readonly indexes: string;
}

const nameOf = ({ prefix }: Pick<GenerationKind, 'prefix'>, number: number) => `${prefix}-${number}.db`;

/** The newest generation's file, or undefined before the first import. */
export function currentGeneration(directory: string, kind: GenerationKind): string | undefined {
  const [newest] = generations(directory, kind);
  return newest === undefined ? undefined : path.join(directory, nameOf(kind, newest));
}

function generations(directory: string, { prefix }: Pick<GenerationKind, 'prefix'>): readonly number[] {
  const name = new RegExp(`^${prefix}-(\\d+)\\.db$`);
  return readdirSync(directory)
    .flatMap((one) => name.exec(one)?.[1] ?? [])
    .map(Number)
    .sort((one, other) => other - one);
}

/** Opens the newest generation to read. Undefined before the first import. */
export function openGeneration(directory: string, kind: GenerationKind): Database.Database | undefined {
  const file = guarded(directory, kind, () => currentGeneration(directory, kind));
  if (file === undefined) return undefined;
  return guarded(file, kind, () => {
    const database = new Database(file, { readonly: true, fileMustExist: true });
    const version = database.pragma('user_version', { simple: true });
    const ours = database.pragma('application_id', { simple: true }) === kind.applicationId;
    if (ours && version === kind.version) return database;
    database.close();
    throw new Failure('config', `${file} is no file of this program's version`, 'import it again');
  });
}

/**
 * Makes the next generation of what `fill` writes into it, and forgets the older ones. When `fill` throws, or the process is killed,
 * the old one stays. Returns the new file. Fails `retry` beside another import.
 */
export async function nextGeneration(
  directory: string,
  kind: GenerationKind,
  fill: (database: Database.Database) => Promise<void>,
): Promise<string> {
  return nextFile(directory, kind, (draft) => make(draft, kind, fill));
}

/** The same of a file that `write` writes whole, as of one that was made elsewhere (shared-imports.ts). */
export async function nextFile(
  directory: string,
  kind: Pick<GenerationKind, 'what' | 'prefix'>,
  write: (draft: string) => Promise<void>,
): Promise<string> {
  const [newest = 0] = generations(directory, kind);
  const file = path.join(directory, nameOf(kind, newest + 1));
  clearDrafts(directory, kind);
  try {
    if (!(await makeWholeSlowly(file, write))) {
      throw new Failure(
        'retry',
        'another import was faster',
        '"mandat directory status" shows it; import again if need be',
      );
    }
  } catch (error) {
    throw explained(error, file, kind.what);
  }
  for (const older of generations(directory, kind).filter((number) => number <= newest)) {
    rmSync(path.join(directory, nameOf(kind, older)), { force: true });
  }
  return file;
}

async function make(
  draft: string,
  { applicationId, version, schema, indexes }: GenerationKind,
  fill: (database: Database.Database) => Promise<void>,
): Promise<void> {
  const database = new Database(draft);
  try {
    chmodSync(draft, 0o640);
    database.pragma('journal_mode = MEMORY'); // a draft that comes to nothing is thrown away
    database.pragma('synchronous = OFF');
    database.pragma('cache_size = -65536'); // KiB: all that it ever takes, however many rows
    database.pragma(`application_id = ${applicationId}`);
    database.pragma(`user_version = ${version}`);
    database.exec(`${schema}; BEGIN`);
    await fill(database);
    database.exec(`COMMIT; ${indexes}`);
  } finally {
    database.close();
  }
  const fd = openSync(draft, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

/** What imports that were killed have left. */
function clearDrafts(directory: string, { prefix }: Pick<GenerationKind, 'prefix'>): void {
  const draft = new RegExp(`^${prefix}-\\d+\\.db\\.(\\d+)`);
  for (const name of readdirSync(directory)) {
    const pid = Number(draft.exec(name)?.[1] ?? Number.NaN);
    if (!Number.isNaN(pid) && !lives(pid)) rmSync(path.join(directory, name), { force: true });
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
