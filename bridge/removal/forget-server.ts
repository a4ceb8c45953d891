/**
 * A mail server that is gone for good: what mandat keeps of it goes, so that nothing waits for it any more. Its mailboxes have been moved before. The
 * audit trail keeps all that was done there.
 */
import { sql, type Transaction } from 'kysely';
import { everyServer } from '../questions/every-server.ts';
import { Failure } from '../shared/failure.ts';
import { PORTION_ROWS } from '../shared/portions.ts';
import { onPostgres } from '../store/dialect.ts';
import { SENDER_SCHEMA } from '../store/postgres/schema-names.ts';
import { forgetFacts } from '../store/state/facts.ts';
import type { StateDatabase, StateDb } from '../store/state/state-db.ts';
import type { DelegationDb, Writer } from '../store/table/delegation-db.ts';

export interface Forgettable {
  /** Delegations that stand on it by the ledger: what is on that server stays there. */
  readonly standing: number;
  /** Mailboxes with changes that wait for it. */
  readonly waiting: number;
}

/** Fails `refused` while anything is to be done on it still, `absent` where nothing is known of it. Only looks. */
export async function forgettable(table: DelegationDb, state: StateDb, server: string): Promise<Forgettable> {
  if (server === state.server) throw refused(`${server} is this machine's own mail server`, 'run it on another one');
  const seen = (await everyServer(table, state)).find((one) => one.server === server);
  if (seen === undefined)
    throw new Failure('absent', `nothing is known of a mail server ${server}`, 'see "mandat status --all"');
  if (seen.works?.alive === true) {
    const { host, pid } = seen.works;
    throw refused(`a sidecar is at work on ${server} (${host}, process ${pid})`, 'stop it first; the server is in use');
  }
  if (seen.mailboxes > 0)
    throw refused(
      `${seen.mailboxes} mailbox${seen.mailboxes === 1 ? ' is' : 'es are'} on ${server} by the table`,
      'move them first: "mandat mailbox set ADDRESS --server NAME", or all at once in SQL (docs/several-servers.md)',
    );
  return { standing: seen.inForce, waiting: seen.waiting };
}

/** Says it in the trail too. */
export async function forgetServer(
  table: DelegationDb,
  state: StateDb,
  writer: Writer,
  server: string,
): Promise<Forgettable> {
  const known = await forgettable(table, state, server);
  await state.write(async (query) => {
    await forgetLedger(query, server);
    for (const name of ['outcomes', 'repairs', 'folders_seen', 'owner_folders', 'other_entries'] as const)
      await query.deleteFrom(name).where('server', '=', server).execute();
    await forgetFacts({ query, server });
    if (onPostgres(query)) await forgetShared(query, server);
  });
  await table.write(writer, async (query) => {
    await query.deleteFrom('pending').where('server', '=', server).execute();
    await query
      .insertInto('events')
      .values({
        at: new Date().toISOString(),
        actor: writer.actor,
        reason: writer.reason ?? null,
        action: 'server-forgotten',
        mailbox: null,
        delegate: null,
        detail: JSON.stringify({ server, ...known }),
        on_behalf: null,
        via: null,
      })
      .execute();
  });
  return known;
}

async function forgetLedger(query: Transaction<StateDatabase>, server: string): Promise<void> {
  for (;;) {
    const rows = await query
      .selectFrom('ledger')
      .select('id')
      .where('server', '=', server)
      .limit(PORTION_ROWS)
      .execute();
    const ids = rows.map(({ id }) => id);
    if (ids.length === 0) return;
    for (const name of ['before_entries', 'subscriptions'] as const)
      await query.deleteFrom(name).where('ledger_id', 'in', ids).execute();
    await query.deleteFrom('ledger').where('id', 'in', ids).execute();
  }
}

/** What only PostgreSQL has of it: who worked there, and the rules that every Postfix reads. */
async function forgetShared(query: Transaction<StateDatabase>, server: string): Promise<void> {
  for (const name of ['workers', 'standing_by', `${SENDER_SCHEMA}.rules`, `${SENDER_SCHEMA}.published`])
    await sql`DELETE FROM ${sql.raw(name)} WHERE server = ${server}`.execute(query);
}

const refused = (message: string, hint: string) =>
  new Failure('refused', message, hint, { rule: 'MANDAT_SERVER_IN_USE' });
