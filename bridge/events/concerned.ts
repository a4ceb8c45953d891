/**
 * Whose mailbox a hint may be about. A delegate names an owner's folder in the shared namespace, and there the owner by their login, by what
 * stands before its @, or by that behind their domain, whatever the prefix and the separator are (docs/server-notes.md). So the parts of the
 * name are looked for among the owners that somebody has something of. It may find one too many, which costs a look.
 */
import type { StateDb } from '../store/state/state-db.ts';
import type { Hint } from './hint.ts';

/** Of a folder's name that are looked at, from its beginning: `INBOX/shared/example.org/alice`. */
const PARTS = 12;
/** Owners of one name in several domains. */
const MOST_ALIKE = 5;
/** A delegate's own mailboxes, where it isn't known which of them they named. */
const MOST_OF_ONE = 50;

/** The mailboxes' ids; none where it concerns nobody's that is delegated. */
export async function concerned(
  { query }: Pick<StateDb, 'query'>,
  server: string,
  { user, folders }: Hint,
): Promise<ReadonlySet<number>> {
  const owners = query
    .selectFrom('ledger')
    .select(['mailbox_id as id', 'owner_login as owner'])
    .where('server', '=', server);
  const found = new Set<number>();
  const parts = [...new Set(folders.flatMap(partsOf))];
  const names = [...new Set([user, user.toLowerCase(), ...parts])];
  for (const { id } of await owners.where('owner_login', 'in', names).distinct().execute()) found.add(id);
  const domains = [user, ...parts].map((one) => one.replace(/^.*@/, '').toLowerCase());
  for (const name of names.filter((one) => !one.includes('@'))) {
    const alike = await owners
      .where('owner_login', '>=', `${name}@`)
      .where('owner_login', '<', `${name}A`) // what comes after @
      .distinct()
      .orderBy('owner_login')
      .limit(MOST_ALIKE)
      .execute();
    const near = alike.filter(({ owner }) => domains.includes(owner.replace(/^.*@/, '').toLowerCase()));
    for (const { id } of near.length > 0 ? near : alike) found.add(id);
  }
  if (found.size === 0 && folders.length === 0) {
    const own = await query
      .selectFrom('ledger')
      .select('mailbox_id as id')
      .where('server', '=', server)
      .where('login', '=', user)
      .distinct()
      .limit(MOST_OF_ONE)
      .execute();
    for (const { id } of own) found.add(id);
  }
  return found;
}

/** At each separator that a server may have; both as a whole and torn apart at dots, since an address has some. */
function partsOf(folder: string): readonly string[] {
  const whole = folder.split(/[/\\^|]/).slice(0, PARTS);
  return [...whole, ...folder.split('.').slice(0, PARTS)].filter((part) => part !== '' && part.length <= 255);
}
