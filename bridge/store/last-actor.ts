/** Who did something last, from the audit events that are not sealed yet, and from the trail. */
import type { Expression, SqlBool } from 'kysely';
import type { DelegationDb } from './delegation-db.ts';
import type { StateDb } from './state-db.ts';

export interface Deed {
  readonly action: string;
  readonly mailbox: string | null;
  readonly delegate: string | null;
}

/** As in `owner:810...`, `admin:root`, `sql`. Undefined: no such deed is known. */
export async function lastActor(
  table: DelegationDb,
  state: StateDb,
  deeds: readonly Deed[],
): Promise<string | undefined> {
  const fresh = await table.query
    .selectFrom('events')
    .select('actor')
    .where(({ or, and, eb }) =>
      or(
        deeds.map(
          ({ action, mailbox, delegate }): Expression<SqlBool> =>
            and([eb('action', '=', action), eb('mailbox', 'is', mailbox), eb('delegate', 'is', delegate)]),
        ),
      ),
    )
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (fresh !== undefined) return fresh.actor;
  const sealed = await state.query
    .selectFrom('audit')
    .select('actor')
    .where(({ or, and, eb }) =>
      or(
        deeds.map(
          ({ action, mailbox, delegate }): Expression<SqlBool> =>
            and([eb('action', '=', action), eb('mailbox', 'is', mailbox), eb('delegate', 'is', delegate)]),
        ),
      ),
    )
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return sealed?.actor;
}
