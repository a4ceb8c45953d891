/** Debian's `sqlite3` shell in a process of its own: what any other program does to the delegation table. */
import { execFile, spawnSync } from 'node:child_process';

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

/** Lines of the answer; throws when the shell refuses. */
export function rows(file: string, sql: string): readonly string[] {
  const said = sqlite3(file, sql);
  if (said.status !== 0) throw new Error(`${sql}: ${said.stderr}`);
  return said.stdout === '' ? [] : said.stdout.trimEnd().split('\n');
}

export function row(file: string, sql: string): string | undefined {
  return rows(file, sql)[0];
}

function ruleIn(stderr: string): string | undefined {
  return /\b(MANDAT_[A-Z_]+): /.exec(stderr)?.[1];
}
