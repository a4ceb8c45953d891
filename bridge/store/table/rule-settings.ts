/** The few settings that the database's own rules need, copied from the configuration. R15, R26. */
import type { Config } from '../../../config/schema.ts';
import type { DelegationDb } from './delegation-db.ts';

export interface RuleSettings {
  readonly policy: Pick<Config['policy'], 'maxDelegates' | 'eligibleDomains'>;
  readonly identity: Pick<Config['identity'], 'scheme'>;
}

/** Returns the names of those that were others. */
export async function applySettings(db: DelegationDb, { policy, identity }: RuleSettings): Promise<readonly string[]> {
  const wanted = new Map([
    ['max_delegates', String(policy.maxDelegates)],
    ['identity_scheme', identity.scheme],
    ['eligible_domains', policy.eligibleDomains],
  ]);
  const rows = await db.query.selectFrom('settings').selectAll().execute();
  const differ = [...wanted].filter(([name, value]) => rows.find((row) => row.name === name)?.value !== value);
  if (differ.length === 0) return []; // no write, so that nobody is woken
  await db.write({ actor: 'mandat' }, async (query) => {
    for (const [name, value] of differ) {
      await query.deleteFrom('settings').where('name', '=', name).execute();
      await query.insertInto('settings').values({ name, value }).execute();
    }
  });
  return differ.map(([name]) => name);
}
