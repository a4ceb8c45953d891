/** Who a delegate is, as it is shown to be confirmed before their account is activated. R40, R52, R57. */
import { folded } from '../directory/column-names.ts';
import { listedPerson } from '../directory/search.ts';
import { Failure } from '../shared/failure.ts';
import type { AccountHolder } from '../store/table/account-holders.ts';

export interface Identity {
  readonly identifier: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  /** Labels as published. */
  readonly profession: string | null;
  readonly role: string | null;
}

type Known = Pick<AccountHolder, 'identifier' | 'firstName' | 'lastName' | 'profession'>;

/** As the directory has them where it lists them, else as the table does. */
export function identityOf(directory: string, scheme: 'rpps' | 'login', holder: Known): Identity {
  const person = scheme === 'rpps' ? listedPerson(directory, holder.identifier) : undefined;
  const { identifier, firstName, lastName, profession, role } = person ?? { ...holder, role: null };
  return { identifier, firstName, lastName, profession, role };
}

/** The same, and fails where it isn't certain: the directory doesn't list them, or knows somebody else under this number. */
export function certainIdentity(directory: string, scheme: 'rpps' | 'login', holder: Known): Identity {
  if (scheme === 'login') return identityOf(directory, scheme, holder);
  const { identifier } = holder;
  const person = listedPerson(directory, identifier);
  if (person === undefined) {
    throw new Failure(
      'config',
      `who ${identifier} is can't be told: no directory has been imported`,
      '"mandat directory import FILE"',
      { rule: 'NO_DIRECTORY', about: identifier },
    );
  }
  if (person === null) {
    throw new Failure(
      'refused',
      `${identifier} is not in the directory: this RPPS identity is not active`,
      'is the number right? If it is, import a newer directory; who has no RPPS number gets one at https://esante.gouv.fr/produits-services/portail-rpps-plus',
      { rule: 'MANDAT_NOT_LISTED', about: identifier },
    );
  }
  refuseOther(holder, person);
  return identityOf(directory, scheme, holder);
}

/** Fails `refused` where a name that was given isn't the one that the directory has; accents, case and hyphens don't matter. */
export function refuseOther(given: Known, listed: Pick<Identity, 'firstName' | 'lastName'>): void {
  const differs = (one: string | null, other: string | null) =>
    one !== null && other !== null && folded(one) !== folded(other);
  if (!differs(given.firstName, listed.firstName) && !differs(given.lastName, listed.lastName)) return;
  const named = ({ firstName, lastName }: Pick<Identity, 'firstName' | 'lastName'>) =>
    [firstName, lastName].filter(Boolean).join(' ');
  throw new Failure(
    'refused',
    `${given.identifier} is ${named(listed)} in the directory, and not ${named(given)}: nothing was changed`,
    'is it the right person? If the number is wrong, whoever delegated must name another; names come from the directory only, and "mandat directory import" takes them over',
    { rule: 'MANDAT_IDENTITY', about: given.identifier },
  );
}
