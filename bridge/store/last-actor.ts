/** Who did something last, from the audit events that are not sealed yet, else from the trail. */
import type { Kysely } from 'kysely';
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
  return (await lastIn(table.query, 'events', deeds)) ?? (await lastIn(state.query, 'audit', deeds));
}

type Noted = Deed & { readonly id: number; readonly actor: string };

/** Both tables hold these columns. */
async function lastIn(query: unknown, where: 'events' | 'audit', deeds: readonly Deed[]): Promise<string | undefined> {
  const found = await (query as Kysely<Record<typeof where, Noted>>)
    .selectFrom(where)
    .select('actor')
    .where(({ or, and, eb }) =>
      or(
        deeds.map(({ action, mailbox, delegate }) =>
          and([eb('action', '=', action), eb('mailbox', 'is', mailbox), eb('delegate', 'is', delegate)]),
        ),
      ),
    )
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return found?.actor;
}
