/** Who has to activate their account, and what a suspended one was before. R39, R45. */
import { Failure } from '../../shared/failure.ts';
import type { DelegateState, Query } from './delegation-types.ts';

/** Theirs by its owner, or by the login where no owner is named. R39 */
export async function ownMailbox(query: Query, identifier: string, login: string): Promise<string | undefined> {
  const row = await query
    .selectFrom('mailboxes')
    .select('address')
    .where('kind', '=', 'PER') // an organisation's is nobody's own
    .where(({ or, and, eb }) =>
      or([eb('owner', '=', identifier), and([eb('owner', 'is', null), eb('login', '=', login)])]),
    )
    .orderBy('id')
    .executeTakeFirst();
  return row?.address;
}

/** What they are once nothing suspends them, where accounts are activated: what they were before. Fails `refused` where they are pending. */
export async function resumed(query: Query, identifier: string): Promise<DelegateState> {
  const states = await query
    .selectFrom('delegate_states as s')
    .innerJoin('delegates as d', 'd.id', 's.delegate_id')
    .select(['s.state', 'd.login'])
    .where('d.identifier', '=', identifier)
    .orderBy('s.id', 'desc')
    .execute();
  if (states[0]?.state === 'pending') {
    throw new Failure(
      'refused',
      `${identifier} has not activated their account, and nobody else can`,
      `"mandat account activate ${identifier} --email ADDRESS --accept-terms VERSION"`,
      { rule: 'MANDAT_PENDING' },
    );
  }
  if (states[0]?.state !== 'suspended') return 'active'; // of one that has ended, the table refuses it
  const before = states.find(({ state }) => state !== 'suspended')?.state ?? 'active';
  // Meanwhile they may have got a mailbox, and then there is nothing to activate.
  return before === 'pending' && (await ownMailbox(query, identifier, states[0].login)) !== undefined
    ? 'active'
    : before;
}
