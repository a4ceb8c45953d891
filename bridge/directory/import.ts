/**
 * Takes over a published extract as the next generation of the directory. Whatever is wrong with it, the old one stays: an extract that
 * lacks people we know would suspend them.
 */
import type Database from 'better-sqlite3';
import type { Instant } from '../../acl/policy.ts';
import { Failure } from '../failure.ts';
import { folded } from './columns.ts';
import { type Activity, lineReader, type ReadLine, requireHeader } from './extract.ts';
import { currentGeneration, nextGeneration, openGeneration } from './generation.ts';
import { batchesOf, openSource } from './lines.ts';

export interface ImportOptions {
  /** Identifiers of the delegates and owners we know. */
  readonly known: readonly string[];
  /** How much smaller than the generation before it an extract may be, in percent of its lines. */
  readonly maxShrinkPercent: number;
  readonly now: Instant;
  readonly onProgress?: ((read: number, of: number) => void) | undefined;
}

export interface ImportReport {
  readonly source: string;
  /** Lines of professionals, and how many people they are. */
  readonly lines: number;
  readonly people: number;
  /** Lines left out, and the first few of them. */
  readonly bad: number;
  readonly examples: readonly { readonly line: number; readonly why: string }[];
  /** Lines and people of the generation before. */
  readonly before: { readonly lines: number; readonly people: number } | undefined;
}

const EXAMPLES = 5;

export async function importExtract(directory: string, file: string, options: ImportOptions): Promise<ImportReport> {
  const source = await openSource(file);
  try {
    const before = factsBefore(directory);
    let report: ImportReport | undefined;
    await nextGeneration(directory, async (database) => {
      const { lines, bad, examples } = await readInto(database, source, file, options);
      const people = database.prepare('SELECT count(*) FROM people').pluck().get() as number;
      report = { source: source.name, lines, people, bad, examples, before };
      refuseEmpty(report, file);
      refuseShrunk(report, file, options.maxShrinkPercent);
      refuseMissing(database, directory, file, options.known);
      writeFacts(database, report, options.now);
    });
    if (report === undefined) throw new Error('an import without a report');
    return report;
  } finally {
    source.stream.destroy();
    await source.close();
  }
}

async function readInto(
  database: Database.Database,
  source: Awaited<ReturnType<typeof openSource>>,
  file: string,
  { onProgress }: ImportOptions,
): Promise<Pick<ImportReport, 'lines' | 'bad' | 'examples'>> {
  const write = writer(database);
  const examples: { line: number; why: string }[] = [];
  let read: ReadLine | undefined;
  let lines = 0;
  let bad = 0;
  for await (const batch of batchesOf(source)) {
    for (const [at, line] of batch.lines.entries()) {
      if (read === undefined) {
        read = lineReader(requireHeader(line, file), file);
        continue;
      }
      if (line === '') continue;
      const found = read(line);
      if ('why' in found) {
        bad++;
        if (examples.length < EXAMPLES) examples.push({ line: batch.first + at, why: found.why });
      } else {
        lines++;
        write(found);
      }
    }
    onProgress?.(batch.read, source.size);
  }
  if (read === undefined) requireHeader(undefined, file);
  return { lines, bad, examples };
}

function writer(database: Database.Database): (activity: Activity) => void {
  const person = database.prepare('INSERT OR IGNORE INTO people (id, last_name, first_name) VALUES (?, ?, ?)');
  const activity = database.prepare(
    'INSERT INTO activities (person, line, last, first, profession, role, postal, city, shown_city) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const profession = database.prepare('INSERT OR IGNORE INTO professions (code, label, folded) VALUES (?, ?, ?)');
  const role = database.prepare('INSERT OR IGNORE INTO roles (code, label) VALUES (?, ?)');
  const seen = { professions: new Set<string>(), roles: new Set<string>() };
  const fold = folding();
  let current = '';
  let line = 0;
  let places = new Set<string>();
  return (one) => {
    const { identifier, lastName, firstName, postalCode, city } = one;
    const id = Number(identifier);
    if (identifier !== current) {
      current = identifier;
      places = new Set();
      person.run(id, lastName, firstName);
    }
    // Lines that differ in what nobody searches for (a speciality, a telephone) are one.
    const place = `${one.profession.code}|${one.role.code}|${postalCode}|${city}|${lastName}|${firstName}`;
    if (places.has(place)) return;
    places.add(place);
    if (!seen.professions.has(one.profession.code)) {
      seen.professions.add(one.profession.code);
      profession.run(one.profession.code, one.profession.label, folded(one.profession.label));
    }
    if (one.role.code !== '' && !seen.roles.has(one.role.code)) {
      seen.roles.add(one.role.code);
      role.run(one.role.code, one.role.label);
    }
    activity.run(
      id,
      ++line,
      fold(lastName),
      fold(firstName),
      one.profession.code,
      one.role.code,
      postalCode,
      fold(city),
      city,
    );
  };
}

/** Names recur: most are folded once. Bounded, so that memory stays flat. */
function folding(): (text: string) => string {
  let known = new Map<string, string>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    if (known.size >= 100_000) known = new Map();
    const made = folded(text);
    known.set(text, made);
    return made;
  };
}

function factsBefore(directory: string): ImportReport['before'] {
  if (currentGeneration(directory) === undefined) return undefined;
  const database = openGeneration(directory);
  try {
    const fact = database.prepare('SELECT value FROM facts WHERE name = ?').pluck();
    return { lines: Number(fact.get('lines')), people: Number(fact.get('people')) };
  } finally {
    database.close();
  }
}

function writeFacts(database: Database.Database, { source, lines, people }: ImportReport, now: Instant): void {
  const insert = database.prepare('INSERT INTO facts (name, value) VALUES (?, ?)');
  for (const [name, value] of Object.entries({ source, lines, people, imported: now })) insert.run(name, String(value));
}

function refuseEmpty({ lines, bad, examples }: ImportReport, file: string): void {
  if (lines > 0) return;
  const [first] = examples;
  const why =
    first === undefined ? 'no line' : `${bad} lines, and none is a professional's (line ${first.line}: ${first.why})`;
  throw new Failure('refused', `${file} has ${why} below its header; the directory stays as it is`, 'fetch it again', {
    rule: 'DIRECTORY_EMPTY',
  });
}

function refuseShrunk({ lines, before }: ImportReport, file: string, percent: number): void {
  if (before === undefined || lines >= before.lines * (1 - percent / 100)) return;
  const lost = (((before.lines - lines) * 100) / before.lines).toFixed(1);
  throw new Failure(
    'refused',
    `${file} has ${lines} lines, ${lost} % less than the ${before.lines} of the last import; the directory stays as it is`,
    'is it whole? If it is, and people really have gone: [directory] max_shrink',
    { rule: 'DIRECTORY_SHRUNK' },
  );
}

/** Below this many, it may be that people have retired. */
const FEW_MISSING = 3;
const MISSING_PERCENT = 1;

function refuseMissing(database: Database.Database, directory: string, file: string, known: readonly string[]): void {
  const before = currentGeneration(directory) === undefined ? undefined : openGeneration(directory);
  try {
    const has = (one: Database.Database) => {
      const found = one.prepare('SELECT 1 FROM people WHERE id = ?').pluck();
      return (identifier: string) => found.get(Number(identifier)) !== undefined;
    };
    const here = has(database);
    // Who wasn't there before is missing for another reason.
    const there = before === undefined ? () => true : has(before);
    const gone = known.filter((identifier) => there(identifier) && !here(identifier));
    if (gone.length < FEW_MISSING || gone.length * 100 <= known.length * MISSING_PERCENT) return;
    throw new Failure(
      'refused',
      `${file} lacks ${gone.length} of the ${known.length} delegates and owners we know (${gone.slice(0, EXAMPLES).join(', ')}${gone.length > EXAMPLES ? ', ...' : ''}): they would be suspended; the directory stays as it is`,
      'is it whole? "mandat directory search --id NUMBER" shows what is known of one',
      { rule: 'DIRECTORY_MISSING' },
    );
  } finally {
    before?.close();
  }
}
