/**
 * The mark of a database of ours whose rows have been brought to another store (`mandat database copy`): from then on nobody writes to it, whoever they
 * are, and this program no longer opens it. A portal that has it open is refused at its next statement.
 */
import type Database from 'better-sqlite3';
import { Failure } from '../../shared/failure.ts';

interface Kind {
  readonly applicationId: number;
}

/** What is set in a database's application_id then: older programs find none of their own either. */
export const MOVED_BIT = 0x00800000;

const EVENTS = ['INSERT', 'UPDATE', 'DELETE'] as const;
const TABLES = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'moved'`;
const PREFIX = 'moved__';

/** What a write to it is refused with, and how to read it. */
export const movedSentence = (to: string) =>
  `MANDAT_MOVED: this is no longer in use, it has moved to ${to}: write there`;
export const MOVED_SENTENCE = /^MANDAT_MOVED: .* has moved to (.*): write there$/;

/** Where to, for people; undefined where it hasn't been. Costs one statement. */
export function movedTo(database: Database.Database): string | undefined {
  const there = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'moved'").get();
  if (there === undefined) return undefined;
  return database.prepare<[], string>('SELECT destination FROM moved').pluck().get();
}

/** In a transaction that the caller has open. A second time it changes nothing. */
export function markMoved(database: Database.Database, kind: Kind, to: string, at: string): void {
  if (movedTo(database) !== undefined) return;
  const sentence = movedSentence(to).replaceAll("'", "''");
  for (const table of database.prepare<[], string>(TABLES).pluck().all())
    for (const event of EVENTS)
      database.exec(
        `CREATE TRIGGER "${PREFIX}${table}_${event}" BEFORE ${event} ON "${table}" BEGIN SELECT RAISE(ABORT, '${sentence}'); END`,
      );
  database.exec('CREATE TABLE moved (destination TEXT NOT NULL, at TEXT NOT NULL) STRICT');
  database.prepare('INSERT INTO moved VALUES (?, ?)').run(to, at);
  database.pragma(`application_id = ${kind.applicationId | MOVED_BIT}`);
}

/** The same back, in a transaction of the caller's. */
export function unmarkMoved(database: Database.Database, kind: Kind): void {
  const triggers = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND substr(name, 1, ?) = ?";
  for (const name of database.prepare<[number, string], string>(triggers).pluck().all(PREFIX.length, PREFIX))
    database.exec(`DROP TRIGGER "${name}"`);
  database.exec('DROP TABLE IF EXISTS moved');
  database.pragma(`application_id = ${kind.applicationId}`);
}

/** `what`: for people, as in `the delegation table`; `where`: the store that was left. */
export function movedFailure(what: string, where: string, to: string): Failure {
  const next = to.startsWith('postgres')
    ? `set database = "${to.replace(/ at \/.*/, '')}" in mandat.toml, as "mandat database copy" was told it, then restart the sidecar`
    : 'take "database" out of mandat.toml, then restart the sidecar';
  return new Failure('config', `${what} (${where}) has moved to ${to}, and is no longer in use here`, next, {
    rule: 'MANDAT_MOVED',
  });
}
