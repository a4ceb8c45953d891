/** Whom a service names, as it knows them: by identifier, or by the login that somebody has signed in with at a webmail. */
import { ownerOf } from '../../../acl/actor.ts';
import type { DelegationDb } from '../../store/table/delegation-db.ts';

/**
 * Their identifiers in the table: several where one name stands for several people, none where it stands for nobody who may come in. A login
 * is somebody's own at a personal mailbox alone: what several people read by one login speaks for none of them.
 */
export async function peopleNamed(db: DelegationDb, named: string): Promise<readonly string[]> {
  return db.read(async (query) => {
    const mailboxes = await query
      .selectFrom('mailboxes')
      .select(['owner', 'login'])
      .where(({ or, and, eb }) => or([eb('owner', '=', named), and([eb('login', '=', named), eb('kind', '=', 'PER')])]))
      .limit(MOST)
      .execute();
    const delegates = await query
      .selectFrom('delegates')
      .select('identifier')
      .where(({ or, eb }) => or([eb('identifier', '=', named), eb('login', '=', named)]))
      .where('state', '!=', 'ended')
      .execute();
    return [...new Set([...mailboxes.map(ownerOf), ...delegates.map(({ identifier }) => identifier)])];
  });
}

/** An owner may have many mailboxes; they are one person all the same. */
const MOST = 200;
