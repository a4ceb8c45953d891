/** Who may come in, and as what: whoever owns a mailbox, whoever is a delegate, and the groups that the configuration lets administer. R33, R53. */
import type { DelegationDb } from '../store/table/delegation-db.ts';
import type { Roles } from './context.ts';
import type { PortalSettings } from './sign-in/provider.ts';

/** As the table stands now: whose mailbox was taken away is no owner any more. */
export async function rolesOf(
  db: DelegationDb,
  { identifier, groups }: { readonly identifier: string; readonly groups: readonly string[] },
  settings: Pick<PortalSettings, 'admins' | 'readers'>,
): Promise<Roles> {
  const owned = await db.query
    .selectFrom('mailboxes')
    .select('id')
    .where(({ or, and, eb }) =>
      or([eb('owner', '=', identifier), and([eb('owner', 'is', null), eb('login', '=', identifier)])]),
    )
    .limit(1)
    .execute();
  const delegate = await db.query
    .selectFrom('delegates')
    .select('id')
    .where('identifier', '=', identifier)
    .where('state', '!=', 'ended')
    .execute();
  return { owner: owned.length > 0, delegate: delegate.length > 0, admin: adminOf(groups, settings) };
}

function adminOf(
  groups: readonly string[],
  { admins, readers }: Pick<PortalSettings, 'admins' | 'readers'>,
): Roles['admin'] {
  const within = (names: readonly string[]) => names.some((name) => groups.includes(name.replace(/^group:/, '')));
  if (within(admins)) return 'acts';
  return within(readers) ? 'reads' : 'none';
}

export const mayComeIn = ({ owner, delegate, admin }: Roles): boolean => owner || delegate || admin !== 'none';
