/** Before a store in PostgreSQL is left for files: files serve one mail server, by one sidecar. Whoever else works with the table would be left without one. */
import { hostname } from 'node:os';
import type { Client } from 'pg';
import { Failure } from '../shared/failure.ts';
import { STATE_SCHEMA, TABLE_SCHEMA } from '../store/postgres/schema-names.ts';

/** The mail server that goes into files, and the process number of the sidecar on this data_dir, where one runs. */
export interface Staying {
  readonly server: string;
  readonly sidecar: number | undefined;
}

/** Whose lease is not over; whoever stands by. */
const AT_WORK = `SELECT server, host, pid, 'works' AS does FROM ${STATE_SCHEMA}.workers WHERE released = 0 AND until > clock_timestamp()
  UNION ALL SELECT server, host, pid, 'stands by' FROM ${STATE_SCHEMA}.standing_by WHERE until > clock_timestamp() ORDER BY server, host, pid`;

const OTHERS = `SELECT server, count(*) AS mailboxes FROM (SELECT server FROM ${TABLE_SCHEMA}.mailboxes WHERE server <> $1) AS elsewhere GROUP BY server
  UNION ALL SELECT DISTINCT server, 0 FROM ${STATE_SCHEMA}.ledger WHERE server <> $1`;

/** Fails `refused` where other mail servers have anything in it, or another sidecar takes part. */
export async function refuseOthers(client: Client, { server, sidecar }: Staying): Promise<void> {
  const others = await client.query<{ readonly server: string; readonly mailboxes: number }>(OTHERS, [server]);
  const servers = new Map<string, number>();
  for (const { server: name, mailboxes } of others.rows) servers.set(name, (servers.get(name) ?? 0) + mailboxes);
  if (servers.size > 0) {
    const named = [...servers]
      .sort()
      .map(([name, mailboxes]) => `${name} (${mailboxes === 1 ? '1 mailbox' : `${mailboxes} mailboxes`})`);
    throw refused(
      `files are for one mail server, and this table has more than ${server}: ${named.join(', ')}`,
      `move their mailboxes ("mandat mailbox set ADDRESS --server ${server}") while their sidecars run, stop those, and "mandat server forget" each`,
    );
  }
  const here = hostname();
  const { rows } = await client.query<Record<'server' | 'host' | 'does', string> & { readonly pid: number }>(AT_WORK);
  const isOurs = (one: (typeof rows)[number]) =>
    one.does === 'works' && one.server === server && one.host === here && one.pid === sidecar;
  const one = rows.find((row) => !isOurs(row));
  if (one === undefined) return;
  throw refused(
    `files are for one sidecar, and another takes part in this table: process ${one.pid} on ${one.host} ${one.does} (${one.server})`,
    'stop it there, and the submission filters on other machines, then do this again; a lease that was not given back is over after some seconds',
  );
}

const refused = (message: string, hint: string) =>
  new Failure('refused', message, hint, { rule: 'MANDAT_SERVER_IN_USE' });
