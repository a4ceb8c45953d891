/**
 * A `[server] name` that was changed on a machine that has worked under another: nobody would look after what stands by the old name, and a revoke in
 * those mailboxes would be obeyed by nobody. Known by the note of the last sidecar that worked under that name, with this data_dir on this machine.
 */
import { hostname } from 'node:os';
import type { Config } from '../../config/schema.ts';
import { Failure } from '../shared/failure.ts';
import { fact, serversWith } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';

/** Where a sidecar works, as it notes it of itself. */
export interface Home {
  readonly host?: string;
  readonly dataDir?: string;
}

export const homeOf = ({ dataDir }: Pick<Config, 'dataDir'>): Home => ({ host: hostname(), dataDir });

export async function refuseRenamedServer(
  config: Pick<Config, 'dataDir' | 'database' | 'server'>,
  table: DelegationDb,
  state: StateDb,
): Promise<void> {
  const here = homeOf(config);
  for (const server of await serversWith(state, 'sidecar')) {
    if (server === config.server.name) continue;
    const there: Home = JSON.parse((await fact({ query: state.query, server }, 'sidecar')) ?? '{}');
    // In files there is one machine only.
    if (config.database !== undefined && (there.host !== here.host || there.dataDir !== here.dataDir)) continue;
    if (await isEmpty(table, state, server)) continue;
    throw new Failure(
      'config',
      `[server] name is ${config.server.name}, and this machine has worked on the mailboxes of ${server} so far: they, and what stands on the mail server for them, would be looked after by nobody`,
      `write name = "${server}" again: a mail server keeps the name under which it has mailboxes (docs/several-servers.md)`,
      { rule: 'MANDAT_SERVER_RENAMED' },
    );
  }
}

async function isEmpty({ query }: DelegationDb, state: StateDb, server: string): Promise<boolean> {
  const mailbox = await query
    .selectFrom('mailboxes')
    .select('id')
    .where('server', '=', server)
    .limit(1)
    .executeTakeFirst();
  if (mailbox !== undefined) return false;
  const pair = await state.query
    .selectFrom('ledger')
    .select('id')
    .where('server', '=', server)
    .limit(1)
    .executeTakeFirst();
  return pair === undefined;
}
