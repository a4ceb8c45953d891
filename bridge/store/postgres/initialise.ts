/** What `mandat init` makes in a site's PostgreSQL: the two schemas, each at this program's version, and who else gets in. */
import { DELEGATIONS, type InitReport, STATE } from '../databases.ts';
import type { PostgresSettings } from './connection.ts';
import { grantRoles, type RolesReport } from './roles.ts';
import { STATE_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';
import { migrateState } from './state-db.ts';
import { migrateTable } from './table-schema.ts';

export interface InPostgres {
  readonly made: readonly InitReport[];
  readonly roles: RolesReport;
}

/** Again as often as one likes: nothing is emptied or replaced. */
export async function initialisePostgres(settings: PostgresSettings): Promise<InPostgres> {
  const report = (schema: string, what: string, { from, to }: { readonly from: number; readonly to: number }) => ({
    file: `${settings.shown} (schema ${schema})`,
    what,
    from,
    to,
    rewritten: false,
  });
  const table = await migrateTable(settings);
  const state = await migrateState(settings);
  return {
    made: [report(TABLE_SCHEMA, DELEGATIONS.what, table), report(STATE_SCHEMA, STATE.what, state)],
    roles: await grantRoles(settings),
  };
}
