/**
 * Who works on a mail server's mailboxes: one row a server. Whoever works has a lease on it, until an instant by the database's clock, and a token
 * that nobody else ever had; with each taking the fence goes up by one. What a worker writes is refused once its token stands there no more: by
 * triggers on what is ours (workers-schema.ts), and with the turn in the table (table-db.ts).
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Client } from 'pg';
import type { Holder } from '../files/lock.ts';
import { STATE_SCHEMA } from './schema-names.ts';

/** A process, as others are told of it. */
export interface Who {
  readonly host: string;
  readonly pid: number;
  readonly since: string;
}

export interface Worker extends Who {
  readonly fence: number;
  readonly kind: Holder;
  readonly token: string;
  /** Until the lease is over; negative where it is. */
  readonly leftMs: number;
  /** It has let go by itself, at its end. */
  readonly released: boolean;
  /** For certain: a process of this machine that is no more. */
  readonly dead: boolean;
}

export interface Taken {
  readonly fence: number;
  readonly token: string;
  /** From whom, where they had not let go; undefined where there was nobody. */
  readonly from: Worker | undefined;
}

/** Each connection of a worker's has it, so that whoever takes over can end them. */
export const connectionName = (token: string): string => `mandat worker ${token}`;

/** Heard by who stands by. */
export const RELEASED_CHANNEL = 'mandat_released';

const WORKERS = `${STATE_SCHEMA}.workers`;
const STANDING_BY = `${STATE_SCHEMA}.standing_by`;

/** Undefined where nobody has ever worked. */
export async function workerOf(client: Client, server: string): Promise<Worker | undefined> {
  const { rows } = await client.query<
    Omit<Worker, 'released' | 'dead'> & { readonly released: number; readonly place: string }
  >(
    `SELECT fence, token, kind, host, pid, place, since, released,
       ceil(extract(epoch FROM until - clock_timestamp()) * 1000)::bigint AS "leftMs" FROM ${WORKERS} WHERE server = $1`,
    [server],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { place, ...worker } = row;
  return { ...worker, released: row.released === 1, dead: place === PLACE && isGone(row.pid) };
}

/** Nobody has it, or may have it any more. */
export const isFree = (worker: Worker | undefined): boolean =>
  worker === undefined || worker.dead || worker.leftMs <= 0;

/** Takes what is free: what the one before still had in hand is rolled back first. Undefined where somebody else was quicker, or it was made longer. */
export async function takeRow(
  client: Client,
  { server, as, leaseMs, before }: TakeOptions & { readonly before: Worker | undefined },
): Promise<Taken | undefined> {
  const token = randomUUID();
  const mine = [server, token, as, hostname(), process.pid, PLACE, new Date().toISOString(), leaseMs];
  if (before === undefined) {
    const { rows } = await client.query<{ readonly fence: number }>(
      `INSERT INTO ${WORKERS} (server, token, kind, host, pid, place, since, until, fence)
        VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8 * interval '1 ms', 1) ON CONFLICT DO NOTHING RETURNING fence`,
      mine,
    );
    const [row] = rows;
    return row && { fence: row.fence, token, from: undefined };
  }
  if (!before.released) await endConnections(client, before.token);
  // Whether it was made longer meanwhile is asked once more.
  const { rows } = await client.query<{ readonly fence: number }>(
    `UPDATE ${WORKERS} SET token = $2, kind = $3, host = $4, pid = $5, place = $6, since = $7, until = clock_timestamp() + $8 * interval '1 ms',
       fence = fence + 1, released = 0 WHERE server = $1 AND token = $9 AND (until <= clock_timestamp() OR $10) RETURNING fence`,
    [...mine, before.token, before.dead],
  );
  const [row] = rows;
  return row && { fence: row.fence, token, from: before.released ? undefined : before };
}

export interface TakeOptions {
  /** Whose mailboxes. */
  readonly server: string;
  readonly as: Holder;
  readonly leaseMs: number;
}

/** False where it is somebody else's by now. One that has run out is made longer too, as long as nobody has come. */
export async function renewRow(client: Client, server: string, token: string, leaseMs: number): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE ${WORKERS} SET until = clock_timestamp() + $3 * interval '1 ms' WHERE server = $1 AND token = $2`,
    [server, token, leaseMs],
  );
  return rowCount === 1;
}

export async function releaseRow(client: Client, server: string, token: string): Promise<void> {
  await client.query(`UPDATE ${WORKERS} SET until = clock_timestamp(), released = 1 WHERE server = $1 AND token = $2`, [
    server,
    token,
  ]);
  await client.query('SELECT pg_notify($1, $2)', [RELEASED_CHANNEL, server]);
}

/** Notes that this process stands by; to be said again before `forMs` have gone by. */
export async function noteStandBy(client: Client, server: string, since: string, forMs: number): Promise<void> {
  await client.query(
    `INSERT INTO ${STANDING_BY} (server, place, host, pid, since, until)
       VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 ms')
       ON CONFLICT (server, place, pid) DO UPDATE SET since = excluded.since, until = excluded.until`,
    [server, PLACE, hostname(), process.pid, since, forMs],
  );
}

export async function forgetStandBy(client: Client, server: string): Promise<void> {
  const mine = [server, PLACE, process.pid];
  await client.query(
    `DELETE FROM ${STANDING_BY} WHERE server = $1 AND (until < clock_timestamp() - interval '1 day' OR (place = $2 AND pid = $3))`,
    mine,
  );
}

export async function standingBy(client: Client, server: string): Promise<readonly Who[]> {
  const { rows } = await client.query<Who>(
    `SELECT host, pid, since FROM ${STANDING_BY} WHERE server = $1 AND until > clock_timestamp() ORDER BY since`,
    [server],
  );
  return rows;
}

/** What a process that stopped had in hand must neither wait for it nor come after us. */
async function endConnections(client: Client, token: string): Promise<void> {
  await client.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND usename = current_user',
    [connectionName(token)],
  );
}

/** Where process ids mean the same: this start of this machine, and its namespace of processes. */
const PLACE = (() => {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return `${hostname()} ${randomUUID()}`; // no other process has it
  }
})();

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
