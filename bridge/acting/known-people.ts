/** Names and professions of delegates whose delegations somebody sees anyway. R17, R57 */
import { listedPerson } from '../directory/search.ts';
import { unbroken } from '../shared/french-blanks.ts';
import { oneLine } from '../shared/harmless-text.ts';
import type { SeenDelegation } from './delegation-states.ts';
import type { Site } from './site.ts';

export interface KnownPerson {
  readonly identifier: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  /** As the directory calls it, with the role where there is one; null where nobody says. */
  readonly profession: string | null;
}

type Delegate = Pick<SeenDelegation['delegate'], 'identifier' | 'firstName' | 'lastName'>;

/** As the directory has them where it lists them, else as the table does. */
export async function knownPeople(
  site: Pick<Site, 'table' | 'files' | 'config'>,
  delegates: readonly Delegate[],
): Promise<ReadonlyMap<string, KnownPerson>> {
  const ids = delegates.map(({ identifier }) => identifier);
  const rows =
    ids.length === 0
      ? []
      : await site.table(({ query }) =>
          query.selectFrom('delegates').select(['identifier', 'profession']).where('identifier', 'in', ids).execute(),
        );
  const professions = new Map(rows.map(({ identifier, profession }) => [identifier, profession]));
  return new Map(
    delegates.map((one) => {
      const { identifier, firstName, lastName } = one;
      const table = { identifier, firstName, lastName, profession: professions.get(identifier) ?? null };
      return [identifier, publishedPerson(site, identifier) ?? table];
    }),
  );
}

/** What the published directory says of somebody; undefined where it says nothing. */
export function publishedPerson(
  { files, config }: Pick<Site, 'files' | 'config'>,
  identifier: string,
): KnownPerson | undefined {
  if (config.identity.scheme !== 'rpps') return undefined;
  const person = listedPerson(files.privateDirectory, identifier);
  if (person == null) return undefined;
  const { firstName, lastName } = person;
  return { identifier, firstName, lastName, profession: inRole(person) };
}

/** The directory's words, which are French: "Acteur du système de santé caractérisé par un rôle : Secrétaire médicale". */
export const inRole = ({
  profession,
  role,
}: {
  readonly profession: string | null;
  readonly role: string | null;
}): string | null => (role === null ? profession : unbroken(`${profession} : ${role}`));

/** For a sentence: nothing in a name turns the rest of it around. */
export const fullName = ({ firstName, lastName, identifier }: Omit<KnownPerson, 'profession'>) =>
  oneLine([firstName, lastName].filter(Boolean).join(' ') || identifier);
