/** Since when the conditions of a delegation stand as they do, for whoever asks why it is in force or not. */
import type { Instant, NotInForce } from '../../../acl/delegation-facts.ts';
import type { DelegationDb } from './delegation-db.ts';

export type Turns = Readonly<Partial<Record<NotInForce, Instant>>>;

/** Of those that have ever turned. */
export async function turnsOf(db: DelegationDb, mailbox: string, delegate: string): Promise<Turns> {
  const rows = await db.query
    .selectFrom('delegations as g')
    .innerJoin('mailboxes as m', 'm.id', 'g.mailbox_id')
    .innerJoin('delegates as d', 'd.id', 'g.delegate_id')
    .innerJoin('turns as t', (join) =>
      join.on(({ eb, and, or, ref }) =>
        or([
          and([eb('t.subject', '=', 'mailbox'), eb('t.id', '=', ref('m.id'))]),
          and([eb('t.subject', '=', 'delegate'), eb('t.id', '=', ref('d.id'))]),
          and([eb('t.subject', '=', 'delegation'), eb('t.id', '=', ref('g.id'))]),
        ]),
      ),
    )
    .select(['t.what', 't.at'])
    .where('m.address', '=', mailbox)
    .where('d.identifier', '=', delegate)
    .execute();
  return Object.fromEntries(rows.map(({ what, at }) => [what, at]));
}
