/** What a sidecar may have written for others to a server when it wasn't its turn any more: whoever works now looks at these mailboxes once more. */
import type { Config } from '../../config/schema.ts';
import { openTable } from '../configured/stores.ts';
import { markPending } from '../store/table/rows.ts';

/** As any other program asks for another look. `owners`: logins. */
export async function askForLooks(config: Config, owners: readonly string[]): Promise<void> {
  const table = await openTable(config);
  try {
    const rows = await table.query.selectFrom('mailboxes').select('id').where('login', 'in', owners).execute();
    const ids = rows.map(({ id }) => id);
    if (ids.length > 0) await markPending(table, ids, 'mandat');
  } finally {
    await table.close();
  }
}
