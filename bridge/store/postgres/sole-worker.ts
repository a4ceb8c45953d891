/**
 * One sidecar, or one sync, at a time on a database in PostgreSQL, wherever it runs: an advisory lock that lasts as long as a connection does. On one
 * machine the lock file says the same (files/lock.ts); this keeps away the one on another machine.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { Failure } from '../../shared/failure.ts';
import { type Holder, SYNC_AT_WORK } from '../files/lock.ts';
import { type PostgresSettings, postgresClient } from './connection.ts';
import { explainedPostgres } from './failures.ts';
import { STATE_SCHEMA } from './schema-names.ts';

export interface SoleWorker {
  /** Before each piece of work. Free while the connection stands; else it is made anew, and fails where that can't be, or somebody else has come. */
  hold(): Promise<void>;
  release(): Promise<void>;
}

/** Ours, in this database: "mandat run" in hexadecimal, cut to eight octets. */
const working = (server: string) =>
  server === 'main' ? "x'6d616e6461742072'::bigint" : `hashtextextended('mandat run ${server}', 0)`;

/** A process that was killed is noticed by PostgreSQL in a moment. */
const PATIENCE_MS = 1500;

/** `again`: done before the work goes on, each time that the lock had to be taken anew. Fails as the lock file does: `refused` (MANDAT_RUNNING) where a sidecar has it, `retry` where a sync has. */
export async function soleWorker(
  settings: PostgresSettings,
  as: Holder,
  again: () => Promise<void> = async () => {},
  server = 'main',
): Promise<SoleWorker> {
  const WORKING = working(server);
  let client: Client | undefined;
  let taking: Promise<void> | undefined;
  const take = async (patienceMs: number) => {
    const mine = await postgresClient(settings, { schemas: [STATE_SCHEMA] });
    const gone = () => {
      if (client === mine) client = undefined;
    };
    mine.on('error', gone).on('end', gone);
    try {
      await mine.connect();
      await mine.query(`SET application_name = '${nameOf(as)}'`);
      for (const until = performance.now() + patienceMs; ; await delay(50)) {
        const { rows } = await mine.query<{ readonly mine: number }>(`SELECT pg_try_advisory_lock(${WORKING}) AS mine`);
        if (rows[0]?.mine === 1) break;
        if (performance.now() > until) throw taken(await holderOn(mine, WORKING), settings);
      }
      if (patienceMs === 0) await again();
      client = mine;
    } catch (error) {
      await mine.end().catch(() => {});
      throw explainedPostgres(error, settings, "the sidecar's lock");
    }
  };
  await take(PATIENCE_MS);
  return {
    hold: async () => {
      if (client !== undefined) return;
      taking ??= take(0).finally(() => {
        taking = undefined;
      });
      return taking;
    },
    release: async () => {
      await taking?.catch(() => {}); // nobody would end what it connects
      const mine = client;
      client = undefined;
      await mine?.end().catch(() => {});
    },
  };
}

const nameOf = (as: Holder) => `mandat ${as}`;

interface Who {
  readonly name: string;
  readonly from: string;
}

async function holderOn(client: Client, WORKING: string): Promise<Who | undefined> {
  const { rows } =
    await client.query<Who>(`SELECT a.application_name AS name, COALESCE(host(a.client_addr), 'the socket') AS from
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32 | l.objid::bigint) = ${WORKING}`);
  return rows[0];
}

function taken(who: Who | undefined, { shown }: PostgresSettings): Failure {
  const from = who === undefined ? '' : ` (connected from ${who.from})`;
  if (who?.name === nameOf('sync')) {
    return new Failure('retry', `a "mandat sync" is at work on ${shown}${from}`, 'try again when it is done', {
      rule: SYNC_AT_WORK,
    });
  }
  return new Failure(
    'refused',
    `a sidecar is running on ${shown} already${from}`,
    'there can be one only; "mandat status" shows what it does',
    { rule: 'MANDAT_RUNNING' },
  );
}
