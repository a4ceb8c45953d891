/** An administrator's desk without any server: a directory with a mandat.toml and databases, and the command line. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { asShell } from '../store/shell.ts';
import type { How, Ran } from './commands.ts';
import { mandatAt } from './warm.ts';

export interface Desk {
  readonly directory: string;
  readonly configFile: string;
  /** delegation.db */
  readonly table: string;
  /** `mandat --config mandat.toml ...` */
  mandat(...args: readonly string[]): Promise<Ran>;
  mandatWith(how: How, ...args: readonly string[]): Promise<Ran>;
  /** What it prints with --json. */
  json(...args: readonly string[]): Promise<unknown>;
  /** As the sqlite3 shell on delegation.db; throws when that refuses. */
  sql(query: string): string;
}

/** Of the machine, so to speak: what is not configured is shown in it. */
process.env.TZ = 'Europe/Paris';

/** Nothing listens there. */
const CONFIG = `data_dir = "data"
[identity]
scheme = "login"
unknown_credential = "valid"
[grant]
acknowledge = false
[imap]
port = 1
tls = "none"
timeout_seconds = 1
`;

export const WITH_SENDERS = `${CONFIG}[sender_rules]\n`;

export interface DeskOptions {
  readonly config?: string;
  /** Run `mandat init`. Default: true. */
  readonly init?: boolean;
}

export async function desk(t: Test, { config = CONFIG, init = true }: DeskOptions = {}): Promise<Desk> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-desk-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  await chmod(directory, 0o755);
  const configFile = path.join(directory, 'mandat.toml');
  const table = path.join(directory, 'data/table/delegation.db');
  await writeFile(configFile, config);
  await writeFile(path.join(directory, 'imap.secret'), 'secret\n', { mode: 0o600 });
  const mandatWith = async (how: How, ...args: readonly string[]) => mandatAt(configFile, args, how);
  const mandat = (...args: readonly string[]) => mandatWith({}, ...args);
  if (init) await must(mandat('init'));
  return {
    directory,
    configFile,
    table,
    mandat,
    mandatWith,
    json: async (...args) => JSON.parse((await mandat('--json', ...args)).stdout),
    sql: (query) => asShell(table, query).trimEnd(),
  };
}

/** Throws unless it exits 0. */
export async function must(running: Promise<Ran>): Promise<Ran> {
  const result = await running;
  if (result.status !== 0) throw new Error(`exit status ${result.status}: ${result.stdout}${result.stderr}`);
  return result;
}
