/**
 * What belongs to no mail server is done by one sidecar at a time: notices sent, audit events taken over, the trail pruned and proven. An advisory
 * lock of its own, which lasts as long as a connection does: whichever asks first has it, and when that sidecar has gone another one takes it.
 */
import type { Client } from 'pg';
import { type PostgresSettings, postgresClient } from './connection.ts';
import { STATE_SCHEMA } from './schema-names.ts';

export interface SiteDuties {
  /** Whether they are this sidecar's now; it takes them where nobody has them. False, too, where the database can't be asked. */
  ours(): Promise<boolean>;
  release(): Promise<void>;
}

/** Ours, in this database: eight octets of our own. */
const DUTIES = "x'6d616e646174686f'::bigint";

/** They are asked for this often, where another sidecar has them. */
const AGAIN_MS = 1000;

/** `worker`: whoever takes over from that one ends this connection too (worker-row.ts). */
export function siteDuties(settings: PostgresSettings, worker?: string): SiteDuties {
  let client: Client | undefined;
  let held = false;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<boolean> | undefined;
  const ask = async (): Promise<boolean> => {
    askedAt = performance.now();
    const mine = client ?? (await connected());
    const { rows } = await mine.query<{ readonly mine: number }>(`SELECT pg_try_advisory_lock(${DUTIES}) AS mine`);
    held = client === mine && rows[0]?.mine === 1;
    return held;
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
  return {
    ours: async () => {
      if (held) return true;
      if (performance.now() - askedAt < AGAIN_MS && asking === undefined) return false;
      asking ??= ask()
        .catch(() => false)
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
