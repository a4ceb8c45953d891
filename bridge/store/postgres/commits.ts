/**
 * Hears of commits to the delegation table in PostgreSQL. Its rules say each one on a channel (NOTIFY), which reaches who listens once the commit
 * is visible; a notification is lost with the connection, so the table is also asked from time to time, on that very connection, which shows too
 * whether it still stands. A lost one is made anew with growing pauses, and then it counts as if something had been committed.
 */
import type { Client } from 'pg';
import { Failure } from '../../shared/failure.ts';
import { ownBackends, type PostgresSettings, postgresClient } from './connection.ts';
import { explainedPostgres } from './failures.ts';
import { TABLE_SCHEMA } from './schema-names.ts';
import { CHANNEL } from './table-1/common.ts';

/** Between two attempts to connect, in milliseconds; the last one from then on. */
const PAUSES_MS = [50, 100, 250, 500, 1000, 2000, 5000];

/** The question whether anything has changed is answered at once, or the connection is dead. In milliseconds. */
const SILENCE_MS = 10_000;

export interface Hearing {
  /** Somebody else has committed, or may have. */
  readonly wake: () => void;
  /** Once for each time that the connection is lost: nothing is heard until `back`. */
  readonly lost?: (failure: Failure) => void;
  /** Meanwhile, once for each: it is something else by now, which somebody has to mend. */
  readonly toMend?: (failure: Failure) => void;
  readonly back?: () => void;
}

export interface Listening {
  /** Whether the connection is lost, and tried to be made anew. */
  away(): boolean;
  close(): void;
}

/** Both only grow, whatever of it is deleted later. */
const WHERE_IT_IS = `SELECT (SELECT version FROM ${TABLE_SCHEMA}.counters) AS version, (SELECT last_value FROM ${TABLE_SCHEMA}.events_id_seq) AS event`;

/** Never rejects. `pollMs`: how often the table is asked. */
export function listenForCommits(settings: PostgresSettings, pollMs: number, hearing: Hearing): Listening {
  let closed = false;
  let client: Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let failed = 0;
  let seen: string | undefined;
  let told = false;
  let mending = '';

  const tell = (error: unknown) => {
    const failure = failureOf(error, settings);
    if (!told) hearing.lost?.(failure);
    else if (failure.code === 'config' && failure.message !== mending) hearing.toMend?.(failure);
    if (failure.code === 'config') mending = failure.message;
    told = true;
  };
  const later = (ms: number, work: () => Promise<void>) => {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(() => void work(), ms);
  };
  const gone = (mine: Client, error: unknown) => {
    if (client !== mine) return;
    client = undefined;
    void mine.end().catch(() => {});
    if (closed) return;
    tell(error);
    const pause = PAUSES_MS[Math.min(failed, PAUSES_MS.length - 1)] ?? pollMs;
    failed++;
    later(pause, connect);
  };
  const ask = async (mine: Client): Promise<void> => {
    const { rows } = await mine.query<{ readonly version: number; readonly event: number }>(WHERE_IT_IS);
    const now = JSON.stringify(rows[0]);
    const moved = seen !== undefined && now !== seen;
    seen = now;
    if (moved && !closed) hearing.wake();
  };
  const poll = async (): Promise<void> => {
    const mine = client;
    if (mine === undefined) return;
    try {
      await ask(mine);
      if (client === mine) later(pollMs, poll);
    } catch (error) {
      gone(mine, error);
    }
  };
  const connect = async (): Promise<void> => {
    let mine: Client;
    try {
      mine = await postgresClient(
        { ...settings, silenceMs: settings.silenceMs ?? SILENCE_MS },
        { schemas: [TABLE_SCHEMA] },
      );
    } catch (error) {
      tell(error);
      return later(PAUSES_MS.at(-1) ?? pollMs, connect);
    }
    if (closed) return; // nobody would end it
    client = mine;
    mine.on('error', (error) => gone(mine, error)).on('end', () => gone(mine, new Error('Connection terminated')));
    mine.on('notification', ({ processId }) => {
      if (client === mine && !closed && !ownBackends.has(processId)) hearing.wake();
    });
    try {
      await mine.connect();
      await settings.admission?.admit(mine);
      await mine.query(`LISTEN ${CHANNEL}`);
      seen = undefined;
      await ask(mine);
      if (client !== mine || closed) return;
      failed = 0;
      if (told) hearing.back?.();
      told = false;
      mending = '';
      hearing.wake(); // what was committed before
      later(pollMs, poll);
    } catch (error) {
      gone(mine, error);
    }
  };
  void connect();
  return {
    away: () => told,
    close: () => {
      closed = true;
      clearTimeout(timer);
      const mine = client;
      client = undefined;
      void mine?.end().catch(() => {});
    },
  };
}

function failureOf(error: unknown, settings: PostgresSettings): Failure {
  const explained = explainedPostgres(error, settings, 'the delegation table');
  if (explained instanceof Failure) return explained;
  const message = explained instanceof Error ? explained.message : String(explained);
  return new Failure('retry', `the connection to ${settings.shown} was lost: ${message}`, 'see that PostgreSQL runs', {
    cause: error,
  });
}
