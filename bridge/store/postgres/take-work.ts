/** Taking a server's mailboxes to work on: at once, or once whoever works on them has let go or is silent for longer than their lease. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { type Elapsed, openElapsed } from '../../shared/elapsed.ts';
import { Failure } from '../../shared/failure.ts';
import { SYNC_AT_WORK } from '../files/lock.ts';
import type { Working } from '../working.ts';
import { type PostgresSettings, postgresClient } from './connection.ts';
import { explainedPostgres, isSilence } from './failures.ts';
import { STATE_SCHEMA } from './schema-names.ts';
import {
  connectionName,
  forgetStandBy,
  isFree,
  noteStandBy,
  RELEASED_CHANNEL,
  standingBy,
  type TakeOptions,
  takeRow,
  type Who,
  type Worker,
  workerOf,
} from './worker-row.ts';
import { working } from './working.ts';

export interface Wanted extends TakeOptions {
  /** After a lost connection, before the work goes on. */
  readonly again: () => Promise<void>;
}

/** Of a lease: how often it is looked whether it is over. */
const LOOKS = 1 / 12;

/** A process that was killed is noticed by PostgreSQL in a moment, and one that ends lets go. */
const PATIENCE_MS = 1500;

const LOCK_MS = 500;

/** Who has nothing yet, and is in nobody's way, asks a database that is slow to answer again for so long before it counts as away. */
const SLOW_MS = 10_000;

/** Fails as the lock file does: `refused` (MANDAT_RUNNING) where a sidecar has it, `retry` where a sync has. */
export async function takeWork(settings: PostgresSettings, wanted: Wanted): Promise<Working> {
  const elapsed = openElapsed();
  const client = await connectedAtLast(settings, wanted.leaseMs, elapsed);
  try {
    for (const until = elapsed() + PATIENCE_MS; ; await delay(50)) {
      const attempt = await attemptOn(client, settings, wanted, elapsed);
      if ('token' in attempt) return attempt;
      if (elapsed() > until) throw taken(attempt.by, settings);
    }
  } catch (error) {
    await client.end().catch(() => {});
    throw explainedPostgres(error, settings, 'whose turn it is');
  }
}

export interface StandBy {
  /** What is told of whoever works; once, and again when it is somebody else. */
  readonly told: (by: Worker) => void;
  /** What can't be found out for the time being; once. */
  readonly failed: (failure: Failure) => void;
  readonly signal: AbortSignal;
}

/** Waits until it is ours. Undefined when `signal` came first. A database that is away is waited for. */
export async function standBy(
  settings: PostgresSettings,
  wanted: Wanted,
  { told, failed, signal }: StandBy,
): Promise<Working | undefined> {
  const elapsed = openElapsed();
  const since = new Date().toISOString();
  const everyMs = wanted.leaseMs * LOOKS;
  let client: Client | undefined;
  let whom = '';
  let trouble = '';
  let heard = false;
  let hear: () => void = () => {};
  try {
    for (let noted = Number.NEGATIVE_INFINITY; !signal.aborted; ) {
      try {
        if (client === undefined) {
          client = await connected(settings, wanted.leaseMs);
          client.on('notification', () => hear());
          await client.query(`LISTEN ${RELEASED_CHANNEL}`);
        }
        const attempt = await attemptOn(client, settings, wanted, elapsed);
        trouble = '';
        heard = true;
        if ('token' in attempt) {
          const mine = client;
          client = undefined;
          mine.removeAllListeners('notification');
          await mine.query(`UNLISTEN ${RELEASED_CHANNEL}`);
          await forgetStandBy(mine, wanted.server);
          return attempt;
        }
        const { by } = attempt;
        if (elapsed() - noted > wanted.leaseMs) {
          await noteStandBy(client, wanted.server, since, wanted.leaseMs * 3);
          noted = elapsed();
        }
        if (by !== undefined && by.token !== whom) {
          whom = by.token;
          told(by);
        }
      } catch (error) {
        await client?.end().catch(() => {});
        client = undefined;
        const failure = asFailure(explainedPostgres(error, settings, 'whose turn it is'));
        if (failure.code !== 'retry') throw failure;
        const slow = !heard && isSilence(failure) && elapsed() < SLOW_MS;
        if (!slow && failure.message !== trouble) failed(failure);
        if (!slow) trouble = failure.message;
      }
      await new Promise<void>((resolve) => {
        const end = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          resolve();
        };
        const timer = setTimeout(end, everyMs);
        hear = end;
        signal.addEventListener('abort', end);
      });
    }
    await (client && forgetStandBy(client, wanted.server))?.catch(() => {});
    return undefined;
  } finally {
    await client?.end().catch(() => {});
  }
}

export interface Workers {
  readonly works: Worker | undefined;
  /** Whoever worked last, where nobody does and they have not let go: frozen, cut off, or gone without a word. */
  readonly silent: Worker | undefined;
  readonly standBy: readonly Who[];
}

/** For who asks. */
export async function workersOf(settings: PostgresSettings, server: string): Promise<Workers> {
  const client = await connected(settings, undefined);
  try {
    const last = await workerOf(client, server);
    const standBy = await standingBy(client, server);
    if (!isFree(last)) return { works: last, silent: undefined, standBy };
    return { works: undefined, silent: last?.released === false ? last : undefined, standBy };
  } catch (error) {
    throw explainedPostgres(error, settings, 'whose turn it is');
  } finally {
    await client.end().catch(() => {});
  }
}

async function connected(settings: PostgresSettings, leaseMs: number | undefined): Promise<Client> {
  const silenceMs = leaseMs === undefined ? undefined : Math.round(leaseMs / 3);
  const client = await postgresClient(settings, { schemas: [STATE_SCHEMA], patienceMs: LOCK_MS, silenceMs });
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw explainedPostgres(error, settings, 'whose turn it is');
  }
}

async function connectedAtLast(settings: PostgresSettings, leaseMs: number, elapsed: Elapsed): Promise<Client> {
  for (;;) {
    try {
      return await connected(settings, leaseMs);
    } catch (error) {
      if (!isSilence(error) || elapsed() > SLOW_MS) throw error;
    }
  }
}

async function attemptOn(
  client: Client,
  settings: PostgresSettings,
  wanted: Wanted,
  elapsed: Elapsed,
): Promise<Working | { readonly by: Worker | undefined }> {
  const before = await workerOf(client, wanted.server);
  if (!isFree(before)) return { by: before };
  const at = elapsed();
  const took = await takeRow(client, { ...wanted, before });
  if (took === undefined) return { by: await workerOf(client, wanted.server) };
  await client.query("SELECT set_config('mandat.worker', $1, false), set_config('application_name', $2, false)", [
    took.token,
    connectionName(took.token),
  ]);
  return working(settings, took, client, at, { ...wanted, elapsed });
}

const asFailure = (error: unknown): Failure =>
  error instanceof Failure ? error : new Failure('internal', String(error), '', { cause: error });

function taken(by: Worker | undefined, { shown }: PostgresSettings): Failure {
  const who = by === undefined ? '' : ` (${by.host}, process ${by.pid})`;
  if (by?.kind === 'sync') {
    return new Failure('retry', `a "mandat sync" is at work on ${shown}${who}`, 'try again when it is done', {
      rule: SYNC_AT_WORK,
    });
  }
  return new Failure(
    'refused',
    `a sidecar is at work on ${shown} already${who}`,
    'one at a time works on a server; "mandat status" shows which',
    { rule: 'MANDAT_RUNNING' },
  );
}
