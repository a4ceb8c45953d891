/** The directory: importing an extract beside a bare loop, the memory it takes, and searches beside a bare indexed lookup. */
import { spawnSync } from 'node:child_process';
import { createReadStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { openGeneration } from '../../bridge/directory/generation.ts';
import { importExtract } from '../../bridge/directory/import.ts';
import { PEOPLE } from '../../bridge/directory/people-tables.ts';
import { openDirectory } from '../../bridge/directory/search.ts';
import { personLines, writeExtract } from '../directory/extract-maker.ts';
import { type Comparison, compare, quantile } from './pairs.ts';

const PLAIN = { known: [], maxShrinkPercent: 100, now: '2026-01-01T00:00:00.000Z' };

export interface DirectoryFigures {
  readonly lines: number;
  readonly people: number;
  readonly importing: Comparison;
  /** Peak resident memory of an import of a tenth of the lines, and of all, in megabytes. */
  readonly memory: readonly [tenth: number, all: number];
  readonly searching: Comparison;
  /** 99 of 100 searches, ours and the bare lookup, in milliseconds. */
  readonly p99: readonly [ours: number, bare: number];
}

export async function directoryFigures(lines: number, pairs: number): Promise<DirectoryFigures> {
  const parent = mkdtempSync(path.join(os.tmpdir(), 'mandat-bench-'));
  try {
    const [tenth, all] = [path.join(parent, 'tenth.txt'), path.join(parent, 'all.txt')];
    await writeExtract(tenth, Math.round(lines / 10));
    const made = await writeExtract(all, lines);
    const directory = path.join(parent, 'data');
    mkdirSync(directory);
    const importing = await compare(
      `import of ${made.lines.toLocaleString('en')} lines`,
      async () => timed(() => importExtract(directory, all, PLAIN)),
      async (round) => timed(() => bareLoop(all, path.join(parent, `bare-${round}.db`))),
      pairs,
    );
    const memory = [peakOf(tenth, parent), peakOf(all, parent)] as const;
    const { searching, p99 } = await searches(directory, made.people);
    return { ...made, importing, memory, searching, p99 };
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

/** What anybody would write who only wants the columns that a search needs. */
async function bareLoop(file: string, to: string): Promise<void> {
  const database = new Database(to);
  database.pragma('journal_mode = OFF');
  database.pragma('synchronous = OFF');
  database.exec(
    'CREATE TABLE activities (id TEXT, last TEXT, first TEXT, profession TEXT, label TEXT, postal TEXT, city TEXT, role TEXT)',
  );
  const insert = database.prepare('INSERT INTO activities VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  database.exec('BEGIN');
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const v = line.split('|');
    insert.run(v[2], v[7], v[8], v[9], v[10], v[35], v[37], v[52]);
  }
  database.exec('COMMIT');
  database.close();
  rmSync(to);
}

/** Of a process of its own. */
function peakOf(file: string, parent: string): number {
  const directory = mkdtempSync(path.join(parent, 'memory-'));
  const program = `import { readFileSync } from 'node:fs';
    const { importExtract } = await import(process.argv[1]);
    await importExtract(process.argv[2], process.argv[3], ${JSON.stringify(PLAIN)});
    console.log(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);`;
  const module = path.resolve(import.meta.dirname, '../../bridge/directory/import.ts');
  const args = ['--import=tsx', '--input-type=module', '-e', program, module, directory, file];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (stdout.trim() === '') throw new Error(stderr);
  return Math.round(Number(stdout) / 1024);
}

const SEARCHES = 500;

/** People from all over the file, by last name, first name and postal code; the bare lookup knows their exact values. */
async function searches(directory: string, people: number): Promise<Pick<DirectoryFigures, 'searching' | 'p99'>> {
  const opened = openDirectory(directory);
  const database = openGeneration(directory, PEOPLE);
  if (database === undefined) throw new Error('nothing was imported');
  const bare = database.prepare(
    `SELECT p.id, p.last_name, p.first_name, a.profession, a.postal, a.shown_city FROM activities a JOIN people p ON p.id = a.person
      WHERE a.last = ? AND a.first = ? AND a.postal = ?`,
  );
  const folded = database.prepare('SELECT last, first, postal FROM activities WHERE person = ? LIMIT 1');
  const asked = Array.from({ length: SEARCHES }, (_, n) => {
    const [line] = personLines(Math.floor((n * 7919) % people));
    if (line === undefined) throw new Error('every person has a line');
    return { line, known: folded.get(Number(line.identifier)) as { last: string; first: string; postal: string } };
  });
  const times = { ours: [] as number[], bare: [] as number[] };
  try {
    const searching = await compare(
      `${SEARCHES} searches by name and postal code`,
      async (round) =>
        sumOf(asked, round, times.ours, ({ line }) => {
          const { lastName, firstName, postalCode } = line;
          if (opened.search({ lastName, firstName, postalCode }).total === 0) throw new Error('nobody found');
        }),
      async (round) =>
        sumOf(asked, round, times.bare, ({ known: { last, first, postal } }) => {
          if (bare.all(last, first, postal).length === 0) throw new Error('nobody found');
        }),
    );
    return { searching, p99: [quantile(times.ours, 0.99), quantile(times.bare, 0.99)] };
  } finally {
    database.close();
    opened.close();
  }
}

function sumOf<T>(all: readonly T[], round: number, times: number[], work: (one: T) => void): number {
  let sum = 0;
  for (const one of all) {
    const began = performance.now();
    work(one);
    const took = performance.now() - began;
    sum += took;
    if (round >= 0) times.push(took);
  }
  return sum;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
