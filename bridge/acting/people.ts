/** Finding somebody to delegate to, as the guide has it: at least two criteria or a full identifier, the first 50. R18 to R22. */
import { type Criteria, type Found, openDirectory } from '../directory/search.ts';
import { openIdentity } from './identity.ts';
import type { Site } from './site.ts';

/** R21: where whoever isn't in the directory gets into it. */
export const RPPS_PORTAL = 'https://esante.gouv.fr/produits-services/portail-rpps-plus';

/** By identifier alone, where one is given. Fails `refused` with fewer than two criteria (TWO_CRITERIA) and for what is no identifier. */
export async function searchPeople(
  { config, files, warn }: Pick<Site, 'config' | 'files' | 'warn'>,
  { identifier, ...criteria }: Criteria & { readonly identifier?: string | undefined },
): Promise<Found> {
  const opened = openDirectory(files.privateDirectory);
  try {
    if (identifier === undefined) return opened.search(criteria);
    const { read } = openIdentity({ ...config.identity, scheme: 'rpps' }, warn);
    const found = opened.person(read(identifier));
    return { people: found === undefined ? [] : [found], total: found === undefined ? 0 : 1 };
  } finally {
    opened.close();
  }
}
