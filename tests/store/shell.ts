/** Debian's `sqlite3` shell in a process of its own: what any other program does to the delegation table. */
import { execFile, spawnSync } from 'node:child_process';
import Database from 'better-sqlite3';

export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The stable name of the rule that refused, as in `MANDAT_LIMIT`. */
  readonly rule: string | undefined;
}

/** Waits for other writers; stops at the first error; reads nobody's ~/.sqliterc. */
const OPTIONS = ['-batch', '-bail', '-init', '/dev/null', '-cmd', '.timeout 20000'];

export function sqlite3(file: string, sql: string): Said {
  const { status, stdout, stderr, error } = spawnSync('sqlite3', [...OPTIONS, file, sql], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { status, stdout, stderr, rule: ruleIn(stderr) };
}

/** The same without waiting for it, so that several run at the same time. */
export function sqlite3Beside(file: string, sql: string): Promise<Said> {
  return new Promise((resolve) => {
    const child = execFile('sqlite3', [...OPTIONS, file, sql], (_error, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr, rule: ruleIn(stderr) }),
    );
  });
}

/**
 * The rule that refuses each statement, or 'accepted': one shell, one after the other, going on after a refusal. What is set by a
 * PRAGMA stays set. `undone`: each is rolled back.
 */
export function verdicts(file: string, statements: readonly string[], undone = false): readonly string[] {
  const [before, after, lines, at] = undone ? ['BEGIN;\n', 'ROLLBACK;\n', 3, 2] : ['', '', 1, 1];
  const input = statements.map((statement) => `${before}${statement.replaceAll('\n', ' ')};\n${after}`).join('');
  const options = OPTIONS.filter((option) => option !== '-bail');
  const { stderr, error } = spawnSync('sqlite3', [...options, file], { encoding: 'utf8', input });
  if (error !== undefined) throw error;
  const refused = new Map<number, string>();
  for (const line of stderr.split('\n').filter((line) => line !== '')) {
    const number = /^(?:Runtime|Parse) error near line (\d+): /.exec(line)?.[1];
    if (number !== undefined) refused.set(Number(number), ruleIn(line) ?? line);
  }
  return statements.map((_, index) => refused.get(index * lines + at) ?? 'accepted');
}

/** Statements that prepare what is then asked of a shell, without the process that each of those is. */
export function prepare(file: string, sql: string): void {
  const database = new Database(file);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

/**
 * What the shell would print, from a connection of this process that is closed again: another writer like any other, without the
 * hundredths of a second that a process costs. Several changes are one transaction. Throws what SQLite says, with nothing changed.
 * `waitMs`: for other writers; 0 throws SQLITE_BUSY at once.
 */
export function asShell(file: string, sql: string, waitMs = 20_000): string {
  const looks = lookingOnly(sql);
  if (looks !== undefined)
    return looked(file, looks)
      .map((line) => `${line}\n`)
      .join('');
  const database = new Database(file, { timeout: waitMs, fileMustExist: true });
  try {
    database.pragma('foreign_keys = OFF'); // as the shell has it
    database.pragma('trusted_schema = ON');
    const several = /;\s*\S/.test(sql) && !/^\s*BEGIN\b/i.test(sql);
    database.exec(several ? `BEGIN IMMEDIATE; ${sql}; COMMIT` : sql);
    return '';
  } finally {
    database.close();
  }
}

/** What mandat itself may do to what it keeps in the table: the guards of plain SQL let it through. */
export const asMandat = (sql: string) =>
  `INSERT INTO writer (id, actor) VALUES (1, 'test'); ${sql}; DELETE FROM writer`;

/** Lines of the answer, as the shell writes them; throws when it refuses. To look at a table takes no process. */
export function rows(file: string, sql: string): readonly string[] {
  const looks = lookingOnly(sql);
  if (looks !== undefined) return looked(file, looks);
  const said = sqlite3(file, sql);
  if (said.status !== 0) throw new Error(`${sql}: ${said.stderr}`);
  return said.stdout === '' ? [] : said.stdout.trimEnd().split('\n');
}

/** The statements, where none of them changes anything. */
function lookingOnly(sql: string): readonly string[] | undefined {
  const statements = sql.split(';').filter((one) => one.trim() !== '');
  return statements.every((one) => /^\s*(?:SELECT|PRAGMA integrity_check)\b/.test(one)) ? statements : undefined;
}

function looked(file: string, statements: readonly string[]): readonly string[] {
  const database = new Database(file, { readonly: true });
  try {
    return statements.flatMap((one) =>
      (database.prepare(one).raw().all() as unknown[][]).map((values) => values.map((value) => value ?? '').join('|')),
    );
  } finally {
    database.close();
  }
}

export function row(file: string, sql: string): string | undefined {
  return rows(file, sql)[0];
}

function ruleIn(stderr: string): string | undefined {
  return /\b(MANDAT_[A-Z_]+): /.exec(stderr)?.[1];
}
