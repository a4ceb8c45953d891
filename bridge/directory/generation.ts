/**
 * Directory files: one a generation, `directory-N.db` in the data directory, made beside and given its name when it is whole. Who reads
 * the old one goes on with it; who opens one next gets the new. Apart from delegation.db, so that millions of rows keep no revoke waiting.
 */
import { chmodSync, closeSync, fsyncSync, openSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { Failure } from '../failure.ts';
import { explained, guarded } from '../store/open.ts';
import { giveToDirectoryOwner } from '../store/ownership.ts';
import { makeWholeSlowly } from '../store/whole.ts';

const WHAT = 'the directory';
/** "man3" */
const APPLICATION_ID = 0x6d616e33;
const VERSION = 1;
const NAME = /^directory-(\d+)\.db$/;

const SCHEMA = `
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE professions (code TEXT PRIMARY KEY, label TEXT NOT NULL, folded TEXT NOT NULL) STRICT;
CREATE TABLE roles (code TEXT PRIMARY KEY, label TEXT NOT NULL) STRICT;
CREATE TABLE people (
  id INTEGER PRIMARY KEY, -- IdNat_PS as a number
  last_name TEXT NOT NULL, first_name TEXT NOT NULL) STRICT;
-- One row a place and profession of a person, in the order of the people; names and city folded (lower case, no accents), as searches
-- compare them.
CREATE TABLE activities (
  person INTEGER NOT NULL, line INTEGER NOT NULL, last TEXT NOT NULL, first TEXT NOT NULL, profession TEXT NOT NULL, role TEXT NOT NULL,
  postal TEXT NOT NULL, city TEXT NOT NULL, shown_city TEXT NOT NULL, PRIMARY KEY (person, line)) STRICT, WITHOUT ROWID;
`;

/** Made when the rows are in: much faster than row by row. Each begins with what a search may be narrowed by most. */
const INDEXES = `
CREATE INDEX by_name ON activities (last, first, postal);
CREATE INDEX by_postal ON activities (postal, last);
CREATE INDEX by_city ON activities (city, last);
CREATE INDEX by_first ON activities (first, last);
PRAGMA analysis_limit = 1000;
ANALYZE;
`;

/** The newest generation's file, or undefined before the first import. */
export function currentGeneration(directory: string): string | undefined {
  const [newest] = generations(directory);
  return newest === undefined ? undefined : path.join(directory, `directory-${newest}.db`);
}

function generations(directory: string): readonly number[] {
  return readdirSync(directory)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((one, other) => other - one);
}

/** Opens the newest generation to read. Fails `config` before the first import. */
export function openGeneration(directory: string): Database.Database {
  const file = guarded(directory, { what: WHAT }, () => currentGeneration(directory));
  if (file === undefined) {
    throw new Failure(
      'config',
      'no directory has been imported yet',
      '"mandat directory import FILE" takes the published PS_LibreAcces_Personne_activite, as .txt or .zip',
      { rule: 'NO_DIRECTORY' },
    );
  }
  return guarded(file, { what: WHAT }, () => {
    const database = new Database(file, { readonly: true, fileMustExist: true });
    const version = database.pragma('user_version', { simple: true });
    if (database.pragma('application_id', { simple: true }) === APPLICATION_ID && version === VERSION) return database;
    database.close();
    throw new Failure('config', `${file} is no directory of this program's version`, 'import the extract again');
  });
}

/**
 * Makes the next generation of what `fill` writes into it, and forgets the older ones. When `fill` throws, or the process is killed,
 * the old one stays. Returns the new file. Fails `retry` beside another import.
 */
export async function nextGeneration(
  directory: string,
  fill: (database: Database.Database) => Promise<void>,
): Promise<string> {
  const [newest = 0] = generations(directory);
  const file = path.join(directory, `directory-${newest + 1}.db`);
  clearDrafts(directory);
  try {
    if (!(await makeWholeSlowly(file, (draft) => make(draft, fill)))) {
      throw new Failure(
        'retry',
        'another import was faster',
        '"mandat directory status" shows it; import again if need be',
      );
    }
  } catch (error) {
    throw explained(error, file, WHAT);
  }
  for (const older of generations(directory).filter((number) => number <= newest)) {
    rmSync(path.join(directory, `directory-${older}.db`), { force: true });
  }
  return file;
}

async function make(draft: string, fill: (database: Database.Database) => Promise<void>): Promise<void> {
  const database = new Database(draft);
  try {
    chmodSync(draft, 0o640);
    giveToDirectoryOwner(draft);
    database.pragma('journal_mode = MEMORY'); // a draft that comes to nothing is thrown away
    database.pragma('synchronous = OFF');
    database.pragma('cache_size = -65536'); // KiB: all that it ever takes, however many rows
    database.pragma(`application_id = ${APPLICATION_ID}`);
    database.pragma(`user_version = ${VERSION}`);
    database.exec(`${SCHEMA}; BEGIN`);
    await fill(database);
    database.exec(`COMMIT; ${INDEXES}`);
  } finally {
    database.close();
  }
  const fd = openSync(draft, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

const DRAFT = /^directory-\d+\.db\.(\d+)/;

/** What imports that were killed have left. */
function clearDrafts(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = Number(DRAFT.exec(name)?.[1] ?? Number.NaN);
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
