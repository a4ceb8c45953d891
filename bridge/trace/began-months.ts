/** Files of the trace that must be there, by what the audit trail holds: those that were begun, and not deleted since. */
import type { StateDb } from '../store/state/state-db.ts';

export async function beganMonths({ query }: Pick<StateDb, 'query'>): Promise<readonly string[]> {
  const entries = await query
    .selectFrom('audit')
    .select(['action', 'detail'])
    .where('action', 'in', ['trace-month-begun', 'trace-month-deleted'])
    .where('actor', '=', 'mandat')
    .orderBy('id')
    .execute();
  const began = new Set<string>();
  for (const { action, detail } of entries) {
    const { file } = JSON.parse(detail ?? '{}') as { readonly file?: unknown };
    if (typeof file !== 'string') continue;
    if (action === 'trace-month-begun') began.add(file);
    else began.delete(file);
  }
  return [...began];
}
