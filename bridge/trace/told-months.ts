/**
 * Which of the trace's files the audit trail was told of, so that one that is missing shows. The files lie on one machine: where the databases are in
 * PostgreSQL another one may have worked on this server since, whose files are no business of this one's.
 */
import { hostname } from 'node:os';
import { onPostgres } from '../store/dialect.ts';
import { jsonFact, setJsonFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';

interface Told {
  readonly files: readonly string[];
  /** Whose they are; not given where the databases are files. */
  readonly host?: string;
}

type State = Pick<StateDb, 'query' | 'server' | 'stamp'>;

export async function toldMonths(state: State): Promise<readonly string[]> {
  const told = await jsonFact<Told>(state, 'trace-months');
  return told === undefined || (told.host !== undefined && told.host !== hostname()) ? [] : told.files;
}

export async function noteToldMonths(state: State, files: readonly string[]): Promise<void> {
  const whose = onPostgres(state.query) ? { host: hostname() } : {};
  await setJsonFact(state, 'trace-months', { files, ...whose } satisfies Told);
}
