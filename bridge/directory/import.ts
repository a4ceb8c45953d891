/**
 * Takes over a published extract as the next generation of the directory. Whatever is wrong with it, the old one stays: an extract that
 * lacks people we know would suspend them.
 */
import type Database from 'better-sqlite3';
import type { Instant } from '../../acl/delegation-facts.ts';
import { Failure } from '../shared/failure.ts';
import { folded } from './column-names.ts';
import { type Activity, lineReader } from './extract.ts';
import { nextGeneration, openGeneration } from './generation.ts';
import { PEOPLE } from './people-tables.ts';
import {
  EXAMPLES,
  factsOf,
  type OnProgress,
  refuseEmpty,
  refuseShrunk,
  type Taken,
  takeLines,
  writeFacts,
} from './published-lines.ts';
import { openSource } from './source.ts';

export interface ImportOptions {
  /** Identifiers of the delegates and owners we know. */
  readonly known: readonly string[];
  /** How much smaller than the generation before it an extract may be, in percent of its lines. */
  readonly maxShrinkPercent: number;
  readonly now: Instant;
  readonly onProgress?: OnProgress | undefined;
}

export interface ImportReport extends Taken {
  readonly source: string;
  /** How many people the lines are. */
  readonly people: number;
  /** Lines and people of the generation before. */
  readonly before: { readonly lines: number; readonly people: number } | undefined;
}

export async function importExtract(directory: string, file: string, options: ImportOptions): Promise<ImportReport> {
  const source = await openSource(file);
  try {
    const facts = factsOf(directory, PEOPLE);
    const before = facts && { lines: Number(facts.lines), people: Number(facts.people) };
    let report: ImportReport | undefined;
    await nextGeneration(directory, PEOPLE, async (database) => {
      const write = writer(database);
      const taken = await takeLines(source, file, (header) => lineReader(header, file), write, options.onProgress);
      const people = database.prepare('SELECT count(*) FROM people').pluck().get() as number;
      report = { source: source.name, ...taken, people, before };
      refuseEmpty(taken, file, PEOPLE, "a professional's");
      refuseShrunk(taken, before?.lines, file, PEOPLE, options.maxShrinkPercent);
      refuseMissing(database, directory, file, options.known);
      writeFacts(database, { source: source.name, lines: taken.lines, people }, options.now);
    });
    if (report === undefined) throw new Error('an import without a report');
    return report;
  } finally {
    source.stream.destroy();
    await source.close();
  }
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
    if (places.size >= MOST_REMEMBERED) places = new Set(); // what comes again then is only one row more
    places.add(place);
    if (!seen.professions.has(one.profession.code)) {
      remember(seen.professions, one.profession.code, 'professions');
      profession.run(one.profession.code, one.profession.label, folded(one.profession.label));
    }
    if (one.role.code !== '' && !seen.roles.has(one.role.code)) {
      remember(seen.roles, one.role.code, 'roles');
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

/** Lines of one person, codes of professions, codes of roles: what is published has a few hundred at most. */
const MOST_REMEMBERED = 10_000;

function remember(codes: Set<string>, code: string, what: string): void {
  codes.add(code);
  if (codes.size <= MOST_REMEMBERED) return;
  throw new Failure(
    'config',
    `it names more than ${MOST_REMEMBERED} ${what}: it is not what is published`,
    'fetch it again',
  );
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

/** Below this many, it may be that people have retired. */
const FEW_MISSING = 3;
const MISSING_PERCENT = 1;

function refuseMissing(database: Database.Database, directory: string, file: string, known: readonly string[]): void {
  const before = openGeneration(directory, PEOPLE);
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
