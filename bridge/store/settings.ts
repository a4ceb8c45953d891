/** The few settings that the database's own rules need, copied from the configuration. R15. */
import type { Config } from '../../config/schema.ts';
import type { DelegationDb } from './delegation-db.ts';

export async function applySettings(db: DelegationDb, { policy }: Pick<Config, 'policy'>): Promise<void> {
  const value = String(policy.maxDelegates);
  const row = await db.query
    .selectFrom('settings')
    .select('value')
    .where('name', '=', 'max_delegates')
    .executeTakeFirst();
  if (row?.value === value) return; // no write, so that nobody is woken
  await db.write({ actor: 'mandat' }, (query) =>
    query.updateTable('settings').set({ value }).where('name', '=', 'max_delegates').execute(),
  );
}
