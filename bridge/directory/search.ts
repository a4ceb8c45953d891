/** Finding a person in the directory, as the guide has it: at least two criteria or a full identifier, the first 50. R18 to R22. */
import type Database from 'better-sqlite3';
import type { Instant } from '../../acl/delegation-facts.ts';
import { Failure } from '../shared/failure.ts';
import { folded } from './column-names.ts';
import { currentGeneration, openGeneration } from './generation.ts';
import { PEOPLE } from './people-tables.ts';
import { factsOf } from './published-lines.ts';

export interface Criteria {
  readonly lastName?: string | undefined;
  readonly firstName?: string | undefined;
  /** A code, or the beginning of a label. */
  readonly profession?: string | undefined;
  readonly postalCode?: string | undefined;
  readonly city?: string | undefined;
}

export interface Person {
  /** IdNat_PS, 12 digits. */
  readonly identifier: string;
  readonly lastName: string;
  readonly firstName: string;
  /** Of the activity that matched. Labels as published; null where there is none. */
  readonly profession: string | null;
  readonly role: string | null;
  readonly postalCode: string | null;
  readonly city: string | null;
}

export interface Found {
  /** The first {@link MOST_SHOWN}, by name. */
  readonly people: readonly Person[];
  readonly total: number;
}

export interface DirectoryStatus {
  readonly source: string;
  readonly lines: number;
  readonly people: number;
  readonly imported: Instant;
}

export interface Directory {
  /** Fails `refused` with fewer than two criteria; one that is blank is none. */
  search(criteria: Criteria): Found;
  /** Undefined where there is no such person. */
  person(identifier: string): Person | undefined;
  status(): DirectoryStatus;
  close(): void;
}

export const MOST_SHOWN = 50;
const LONGEST_CRITERION = 200;

/** Fails `config` before the first import. */
export function openDirectory(directory: string): Directory {
  const database = openGeneration(directory, PEOPLE);
  if (database === undefined) throw noDirectory();
  // All of an answer by one statement: a call each would cost more than the search.
  const shown = database.prepare<
    [string],
    Row
  >(`SELECT p.id, p.last_name, p.first_name, f.label AS profession, r.label AS role, a.postal, a.shown_city AS city
    FROM json_each(?) AS wanted JOIN people p ON p.id = wanted.value ->> 0
      LEFT JOIN activities a ON a.person = p.id AND a.line = COALESCE(wanted.value ->> 1,
        (SELECT line FROM activities WHERE person = p.id ORDER BY postal = '', line LIMIT 1))
      LEFT JOIN professions f ON f.code = a.profession LEFT JOIN roles r ON r.code = a.role
    ORDER BY wanted.key`);
  const persons = (wanted: readonly Wanted[]) => shown.all(JSON.stringify(wanted)).map(shaped);
  const prepared = new Map<string, Database.Statement>();
  /** Every person once, however many places match, with the first of these places that has a postal code. */
  const matching = (where: string) => {
    const made =
      prepared.get(where) ??
      database
        .prepare(`SELECT person, COALESCE(min(line) FILTER (WHERE postal <> ''), min(line)) FROM activities WHERE ${where}
          GROUP BY person ORDER BY min(last), min(first), person`)
        .raw();
    prepared.set(where, made);
    return made;
  };
  const fact = database.prepare('SELECT value FROM facts WHERE name = ?').pluck();
  return {
    search: (criteria) => {
      const { where, values } = condition(database, criteria);
      const found = matching(where).all(...values) as Wanted[];
      return { people: persons(found.slice(0, MOST_SHOWN)), total: found.length };
    },
    person: (identifier) => persons([[Number(identifier), null]])[0],
    status: () => ({
      source: String(fact.get('source')),
      lines: Number(fact.get('lines')),
      people: Number(fact.get('people')),
      imported: String(fact.get('imported')),
    }),
    close: () => database.close(),
  };
}

/** What the directory says of itself; undefined before the first import. */
export function directoryStatus(directory: string): DirectoryStatus | undefined {
  const facts = factsOf(directory, PEOPLE);
  if (facts === undefined) return undefined;
  const { source = '', lines, people, imported = '' } = facts;
  return { source, lines: Number(lines), people: Number(people), imported };
}

export function noDirectory(): Failure {
  return new Failure(
    'config',
    'no directory has been imported yet',
    '"mandat directory import FILE" takes the published PS_LibreAcces_Personne_activite, as .txt or .zip',
    { rule: 'NO_DIRECTORY' },
  );
}

/** One person; null where the directory doesn't list them, undefined where none has been imported. */
export function listedPerson(directory: string, identifier: string): Person | null | undefined {
  if (currentGeneration(directory, PEOPLE) === undefined) return undefined;
  const opened = openDirectory(directory);
  try {
    return opened.person(identifier) ?? null;
  } finally {
    opened.close();
  }
}

/** A person, and the line of the activity to be shown; null where none was searched for. */
type Wanted = readonly [person: number, line: number | null];

interface Row {
  readonly id: number;
  readonly last_name: string;
  readonly first_name: string;
  readonly profession: string | null;
  readonly role: string | null;
  readonly postal: string | null;
  readonly city: string | null;
}

const shaped = (row: Row): Person => ({
  identifier: String(row.id),
  lastName: row.last_name,
  firstName: row.first_name,
  profession: row.profession || null,
  role: row.role || null,
  postalCode: row.postal || null,
  city: row.city || null,
});

interface Condition {
  readonly where: string;
  readonly values: readonly string[];
}

function condition(database: Database.Database, criteria: Criteria): Condition {
  const given = Object.entries(criteria).flatMap(([name, value]) => {
    const text = folded(value ?? '');
    if (text.length > LONGEST_CRITERION) {
      throw new Failure(
        'config',
        `a criterion of ${text.length} characters: no name is longer than ${LONGEST_CRITERION}`,
      );
    }
    return text === '' ? [] : [[name as keyof Criteria, text] as const];
  });
  if (given.length < 2) {
    throw new Failure(
      'refused',
      `at least two criteria are needed, or a full identifier; ${given.length === 0 ? 'none' : 'one'} was given`,
      'add a name, a first name, a profession, a postal code or a city; or search by --id',
      { rule: 'TWO_CRITERIA' },
    );
  }
  const parts = given.map(([name, text]) => PART[name](text, database));
  return { where: parts.map(({ where }) => where).join(' AND '), values: parts.flatMap(({ values }) => values) };
}

/** As a range, not LIKE: it uses the index, and `%` and `_` mean themselves. */
const begins = (column: string, text: string): Condition => ({
  where: `${column} >= ? AND ${column} < ?`,
  values: [text, `${text}\u{10ffff}`],
});

const PART: Readonly<Record<keyof Criteria, (text: string, database: Database.Database) => Condition>> = {
  lastName: (text) => begins('last', text),
  firstName: (text) => begins('first', text),
  // A whole one by equality: it narrows most, and the database can't see that of a range.
  postalCode: (text) => (/^\d{5}$/.test(text) ? { where: 'postal = ?', values: [text] } : begins('postal', text)),
  city: (text) => begins('city', text),
  profession: (text, database) => {
    const { where, values } = begins('folded', text);
    const codes = database
      .prepare(`SELECT code FROM professions WHERE code = ? OR (${where})`)
      .pluck()
      .all(text, ...values) as string[];
    return { where: `profession IN (${codes.map(() => '?').join(', ')})`, values: codes };
  },
};
