/** What is known of every mail server of a site, from the one database: by counts, and without speaking to any of them. */
import { type Kysely, sql } from 'kysely';
import type { Instant } from '../../acl/delegation-facts.ts';
import { onPostgres } from '../store/dialect.ts';
import { fact, serversWith } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { filtersOfSite } from '../submission/last-filter.ts';

/** A sidecar on it, wherever that runs. */
export interface Worker {
  readonly host: string;
  readonly pid: number;
  readonly since: Instant;
}

export interface ServerSeen {
  readonly server: string;
  readonly mailboxes: number;
  /** Delegations that stand on it. */
  readonly inForce: number;
  /** Mailboxes with changes that wait for it; whose last pass failed; of which the guard holds something. */
  readonly waiting: number;
  readonly failing: number;
  readonly held: number;
  readonly lastSweep: Instant | null;
  /** Null where nobody does; undefined where the database doesn't tell: with files `mandat status` does. `lastSeen`: until when its lease reaches or reached. */
  readonly works: (Worker & { readonly alive: boolean; readonly lastSeen: Instant }) | null | undefined;
  readonly standBy: readonly Worker[];
  /** Submission filters of that server's that were heard of lately, wherever they run. None with files. */
  readonly filters: readonly { readonly name: string; readonly running: boolean }[];
}

/** By their names: of the table's mailboxes, those on which something stands, and those of a sidecar that was ever seen. */
export async function everyServer(table: DelegationDb, state: StateDb): Promise<readonly ServerSeen[]> {
  const held = onPostgres(state.query) ? sql`strpos` : sql`instr`; // an index holds these alone
  const mailboxes = await counts(sql`SELECT server, count(*) AS count FROM mailboxes GROUP BY server`, table.query);
  const waiting = await counts(sql`SELECT server, count(*) AS count FROM pending GROUP BY server`, table.query);
  const own = (which: ReturnType<typeof sql>) => counts(which, state.query);
  const inForce = await own(
    sql`SELECT server, count(*) AS count FROM ledger WHERE phase <> 'revoking' AND in_force_at IS NOT NULL GROUP BY server`,
  );
  const failing = await own(sql`SELECT server, count(*) AS count FROM outcomes WHERE code IS NOT NULL GROUP BY server`);
  const holding = await own(
    sql`SELECT server, count(*) AS count FROM outcomes WHERE ${held}(notices, '"held"') > 0 GROUP BY server`,
  );
  const workers = await workersSeen(state);
  const filters = workers === undefined ? [] : await filtersOfSite(state);
  const known = [mailboxes, waiting, inForce, failing, holding].flatMap((one) => [...one.keys()]);
  const names = new Set([...known, ...(await serversWith(state, 'sidecar')), ...(workers?.keys() ?? []), state.server]);
  return Promise.all(
    [...names].sort().map(async (server) => ({
      server,
      mailboxes: mailboxes.get(server) ?? 0,
      inForce: inForce.get(server) ?? 0,
      waiting: waiting.get(server) ?? 0,
      failing: failing.get(server) ?? 0,
      held: holding.get(server) ?? 0,
      lastSweep: (await fact({ query: state.query, server }, 'sweep')) ?? null,
      works: workers === undefined ? undefined : (workers.get(server)?.works ?? null),
      standBy: workers?.get(server)?.standBy ?? [],
      filters: filters.filter((one) => one.server === server).map(({ name, runs }) => ({ name, running: runs })),
    })),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: of whichever database
async function counts(which: ReturnType<typeof sql>, query: Kysely<any>): Promise<ReadonlyMap<string, number>> {
  const { rows } = await which.execute(query);
  return new Map((rows as { server: string; count: number }[]).map(({ server, count }) => [server, count]));
}

interface Workers {
  works: ServerSeen['works'];
  standBy: Worker[];
}

/** Undefined with files, which tell of this machine alone. */
export async function workersSeen({
  query,
}: Pick<StateDb, 'query'>): Promise<ReadonlyMap<string, Workers> | undefined> {
  if (!onPostgres(query)) return undefined;
  const made = await sql<{ readonly there: number }>`SELECT to_regclass('workers') IS NOT NULL AS there`.execute(query);
  if (made.rows[0]?.there !== 1) return undefined; // of an earlier version
  const all = new Map<string, Workers>();
  const of = (server: string) => {
    const there = all.get(server) ?? { works: null, standBy: [] };
    all.set(server, there);
    return there;
  };
  const time = (column: string) => sql.raw(`to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`);
  const working = await sql<
    Worker & { server: string; alive: number; lastSeen: Instant; released: number }
  >`SELECT server, host, pid, since,
    until > clock_timestamp() AND released = 0 AS alive, ${time('until')} AS "lastSeen", released FROM workers ORDER BY server`.execute(
    query,
  );
  for (const { server, host, pid, since, alive, lastSeen, released } of working.rows)
    if (released === 0) of(server).works = { host, pid, since, alive: alive === 1, lastSeen };
  const waiting = await sql<Worker & { server: string }>`SELECT server, host, pid, since FROM standing_by
    WHERE until > clock_timestamp() ORDER BY server, since`.execute(query);
  for (const { server, host, pid, since } of waiting.rows) of(server).standBy.push({ host, pid, since });
  return all;
}
