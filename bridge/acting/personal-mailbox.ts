/** What the published list of MSSanté addresses says of a mailbox. R2. */
import { type PublishedMailbox, publishedMailboxes } from '../directory/correspondence.ts';
import { contradictions } from '../directory/published-mailbox.ts';
import { Failure } from '../shared/failure.ts';
import type { Site } from './site.ts';

/** What is published of one address: nothing outside French health, before the first import, and of who asked not to be in it. */
export function publishedOf(
  { config, files }: Pick<Site, 'config' | 'files'>,
  address: string,
): readonly PublishedMailbox[] {
  if (config.identity.scheme !== 'rpps') return [];
  return publishedMailboxes(files.privateDirectory, [address])?.get(address) ?? [];
}

/** Before a grant: a mailbox that another program wrote as PER, or that was there before the list, and isn't one. R2. */
export function refuseImpersonal(
  { config, files }: Pick<Site, 'config' | 'files'>,
  addresses: readonly string[],
): void {
  if (config.identity.scheme !== 'rpps') return;
  for (const [address, published] of publishedMailboxes(files.privateDirectory, [...new Set(addresses)]) ?? []) {
    const [why] = contradictions({ kind: 'PER' }, published);
    if (why === undefined) continue;
    throw new Failure(
      'refused',
      `${address}: only a personal mailbox (PER) can be delegated, and ${why}; nothing was written`,
      `"mandat mailbox set ${address} --kind ${published[0]?.kind ?? 'ORG'}" says so in the table`,
      { rule: 'MANDAT_NOT_PERSONAL', about: address },
    );
  }
}
