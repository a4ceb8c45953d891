/**
 * A write in PostgreSQL whose end is known. Where the connection is lost while it runs, or between COMMIT and its answer, PostgreSQL itself is asked on
 * another connection what became of that transaction (manual, 9.27: pg_xact_status): what is committed counts as done and isn't done twice, what is not is
 * done anew. What can't be found out is said so.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import { Failure } from '../../shared/failure.ts';
import { type PostgresSettings, postgresClient } from './connection.ts';
import { isLost, retried } from './failures.ts';
import { HISTORY } from './last-seen.ts';
import { asksNoMore } from './patience.ts';

/** One transaction of ours. */
interface Mark {
  /** Its 64-bit number, in decimal. */
  readonly id: string;
  /** Of the server's process. */
  readonly pid: number;
  /** In whose history: a replica that was promoted gives numbers anew, and answers for none of before. */
  readonly history: string;
}

const MARK = sql.raw<Mark>(`pg_current_xact_id()::text AS id, pg_backend_pid() AS pid, ${HISTORY} AS history`);

/** How often a write is begun anew whose connection was lost. */
const MOST_CUTS = 2;

/** For how long it is asked what became of a commit, in milliseconds, at most; and between two questions. */
const LOOK_MS = 10_000;
const PAUSE_MS = 100;

/** How long whoever has lost us may go on with it before they are ended, in milliseconds: they would keep everybody from writing. */
const GRACE_MS = 500;

/** What a transaction waits for before anything else, with what it is known by. */
export type Turn = (mark: RawBuilder<Mark>) => RawBuilder<Mark>;

interface Written {
  readonly settings: PostgresSettings;
  /** For people, as in `the delegation table`. */
  readonly what: string;
  readonly turn: Turn;
}

/** `work` may be called anew: it begins with nothing from before. Rejects with what {@link explainedPostgres} makes of it, or with what `work` throws. */
export async function written<D, T>(
  query: Kysely<D>,
  { settings, what, turn }: Written,
  work: (transaction: Transaction<D>) => Promise<T>,
): Promise<T> {
  for (let cuts = 1; ; cuts++) {
    let mark: Mark | undefined;
    let done: { readonly value: T } | undefined;
    try {
      return await retried(() =>
        query.transaction().execute(async (transaction) => {
          mark = undefined;
          done = undefined;
          mark = (await turn(MARK).execute(transaction)).rows[0];
          const value = await work(transaction);
          done = { value };
          return value;
        }),
      );
    } catch (error) {
      if (!isLost(error)) throw error;
      const fate = mark === undefined ? 'aborted' : await fateOf(mark, settings);
      const committing = done as { readonly value: T } | undefined;
      if (committing !== undefined && fate === 'committed') return committing.value;
      if (committing !== undefined && fate === 'unknown') throw notKnown(settings, what, error);
      if (fate === 'unknown' || cuts > (mark === undefined ? 1 : MOST_CUTS)) throw notDone(settings, what, error);
    }
  }
}

/** A question is asked anew where the connection was lost: nothing was changed by it. */
export async function answered<T>(work: () => Promise<T>): Promise<T> {
  for (let cuts = 1; ; cuts++) {
    try {
      return await retried(work);
    } catch (error) {
      if (!isLost(error) || cuts > MOST_CUTS) throw error;
    }
  }
}

/** Never rejects. Whoever still has it open without us is ended: then it is neither committed nor in anybody's way. */
async function fateOf(mark: Mark, settings: PostgresSettings): Promise<'committed' | 'aborted' | 'unknown'> {
  const began = performance.now();
  while (performance.now() - began < Math.min(LOOK_MS, settings.silenceMs ?? LOOK_MS) && !asksNoMore()) {
    const fate = await askedFor(mark, settings, performance.now() - began > GRACE_MS).catch(() => undefined);
    if (fate === 'committed' || fate === 'aborted' || fate === 'unknown') return fate;
    await delay(PAUSE_MS);
  }
  return 'unknown';
}

/** `in progress` while it is; undefined where nobody can say yet. */
async function askedFor(mark: Mark, settings: PostgresSettings, end: boolean): Promise<string | undefined> {
  const client = await postgresClient(settings, { schemas: ['pg_catalog'] });
  client.on('error', () => {});
  try {
    await client.connect();
    const asked = `SELECT pg_is_in_recovery()::int AS replica, ${HISTORY} AS history`;
    const { rows } = await client.query<{ readonly replica: number; readonly history: string }>(asked);
    if (rows[0]?.replica === 1) return undefined; // it may be promoted in a moment
    if (rows[0]?.history !== mark.history) return 'unknown';
    const found = await client.query<{ readonly fate: string | null }>('SELECT pg_xact_status($1::xid8) AS fate', [
      mark.id,
    ]);
    const fate = found.rows[0]?.fate ?? 'unknown';
    if (fate === 'in progress' && end) {
      const theirs =
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_xid = $2::xid8::xid';
      await client.query(theirs, [mark.pid, mark.id]);
    }
    return fate;
  } finally {
    void client.end().catch(() => {});
  }
}

function notKnown({ shown }: PostgresSettings, what: string, cause: unknown): Failure {
  return new Failure(
    'retry',
    `the connection to ${what} (${shown}) was lost at the moment of the commit: whether it is done is not known`,
    'look ("mandat list", "mandat audit"), then try again where it isn\'t',
    { cause },
  );
}

function notDone({ shown }: PostgresSettings, what: string, cause: unknown): Failure {
  return new Failure(
    'retry',
    `the connection to ${what} (${shown}) was lost: nothing of this is done`,
    'see that PostgreSQL runs and may be reached from here, then try again',
    { cause },
  );
}
