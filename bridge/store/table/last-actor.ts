/** Who did something last, from the audit events that are not sealed yet, else from the trail. */
import type { Kysely } from 'kysely';
import type { StateDb } from '../state/state-db.ts';
import type { DelegationDb } from './delegation-db.ts';
import type { isVouched } from './vouched-events.ts';

export interface Deed {
  readonly action: string;
  readonly mailbox: string | null;
  readonly delegate: string | null;
}

export interface LastActor {
  /** As in `owner:810...`, `admin:root`, `sql`. */
  readonly actor: string;
  /** Nobody vouches for it: whoever writes the table may have called themselves so. */
  readonly claimed: boolean;
}

/** Undefined: no such deed is known. `vouches`: whether mandat's own command noted an event; without it, every event is believed. */
export async function lastActor(
  table: DelegationDb,
  state: StateDb,
  deeds: readonly Deed[],
  vouches: (event: Vouchable) => boolean = () => true,
): Promise<LastActor | undefined> {
  const event = await lastIn(table.query, 'events', deeds);
  if (event !== undefined) return { actor: event.actor, claimed: !vouches(event as unknown as Vouchable) };
  const sealed = await lastIn(state.query, 'audit', deeds);
  return sealed && { actor: sealed.actor, claimed: (sealed.claimed ?? null) !== null };
}

export type Vouchable = Parameters<typeof isVouched>[1];

type Noted = Deed & { readonly id: number; readonly actor: string; readonly claimed?: string | null | undefined };

/** Both tables hold these columns. */
async function lastIn(query: unknown, where: 'events' | 'audit', deeds: readonly Deed[]): Promise<Noted | undefined> {
  return (query as Kysely<Record<typeof where, Noted>>)
    .selectFrom(where)
    .selectAll()
    .where(({ or, and, eb }) =>
      or(
        deeds.map(({ action, mailbox, delegate }) =>
          and([
            eb('action', '=', action),
            eb('mailbox', mailbox === null ? 'is' : '=', mailbox),
            eb('delegate', delegate === null ? 'is' : '=', delegate),
          ]),
        ),
      ),
    )
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
}
