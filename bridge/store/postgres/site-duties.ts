/**
 * What belongs to no mail server is done by one sidecar at a time: notices sent, audit events taken over, the trail pruned and proven. An advisory
 * lock of its own, which lasts as long as a connection does: whichever asks first has it, and when that sidecar has gone another one takes it. One that
 * hangs keeps its connection: once its lease on its own mailboxes is over (worker-row.ts), whoever asks ends that. So who has it asks, from time to time,
 * whether it still has.
 */
import type { Client } from 'pg';
import { type Elapsed, openElapsed } from '../../shared/elapsed.ts';
import { type PostgresSettings, postgresClient } from './connection.ts';
import { STATE_SCHEMA } from './schema-names.ts';
import { connectionName } from './worker-row.ts';

export interface SiteDuties {
  /** Whether they are this sidecar's now; it takes them where nobody has them. False, too, where the database can't be asked. */
  ours(): Promise<boolean>;
  release(): Promise<void>;
}

/** Ours, in this database: eight octets of our own. */
const DUTIES = "x'6d616e646174686f'::bigint";

/** They are asked for this often, where another sidecar has them, and who has them asks whether that is still so. By a clock that sees a stop. */
const AGAIN_MS = 1000;

/** Of whoever has them: the process of the server's, where the lease of its worker is over. PostgreSQL manual, 54.12: the two halves of a key. */
const SILENT = `SELECT l.pid FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
  JOIN ${STATE_SCHEMA}.workers AS w ON a.application_name = '${connectionName('')}' || w.token
  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (l.classid::bigint << 32) | l.objid::bigint = ${DUTIES} AND a.usename = current_user AND w.until < clock_timestamp()`;

/** `worker`: whoever takes over from that one ends this connection too (worker-row.ts). */
export function siteDuties(settings: PostgresSettings, worker?: string, elapsed: Elapsed = openElapsed()): SiteDuties {
  let client: Client | undefined;
  let held = false;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<boolean> | undefined;
  const ask = async (): Promise<boolean> => {
    const at = elapsed();
    const mine = client ?? (await connected());
    if (held) {
      await mine.query('SELECT 1'); // a connection that is there has its locks
    } else if (!(await tried(mine))) {
      const { rowCount } = await mine.query(`SELECT pg_terminate_backend(pid) FROM (${SILENT}) AS silent`);
      if (rowCount !== 0) askedAt = Number.NEGATIVE_INFINITY; // whoever asks next has it, once that one has ended
      return false;
    }
    held = client === mine;
    if (held) askedAt = at;
    return held;
  };
  const tried = async (mine: Client): Promise<boolean> => {
    const { rows } = await mine.query<{ readonly mine: number }>(`SELECT pg_try_advisory_lock(${DUTIES}) AS mine`);
    return rows[0]?.mine === 1;
  };
  const connected = async (): Promise<Client> => {
    const mine = await postgresClient(settings, { schemas: [STATE_SCHEMA], worker });
    const gone = () => {
      if (client !== mine) return;
      client = undefined;
      held = false;
    };
    mine.on('error', gone).on('end', gone);
    await mine.connect();
    if (worker === undefined) await mine.query(`SET application_name = 'mandat duties'`);
    client = mine;
    return mine;
  };
  const failed = () => {
    const gone = client;
    client = undefined;
    held = false;
    void gone?.end().catch(() => {});
    return false;
  };
  return {
    ours: async () => {
      if (asking !== undefined) return asking;
      if (elapsed() - askedAt < AGAIN_MS) return held;
      askedAt = elapsed();
      asking = ask()
        .catch(failed)
        .finally(() => {
          asking = undefined;
        });
      return asking;
    },
    release: async () => {
      const mine = client;
      client = undefined;
      held = false;
      await mine?.end().catch(() => {});
    },
  };
}
