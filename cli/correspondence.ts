/** The published list of MSSanté addresses: taking it over, and what it says of a mailbox. R2. */
import { type PublishedMailbox, publishedMailboxes } from '../bridge/directory/correspondence.ts';
import { contradictions } from '../bridge/directory/published-mailbox.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { listMailboxes } from '../bridge/store/table/mailboxes.ts';
import { warnOfLeftOut } from './left-out-lines.ts';
import { counted, oneLine } from './output.ts';
import { openProgress } from './progress.ts';
import type { Session } from './session.ts';
import { shareForAll } from './shared-imports.ts';

const SHOWN = 5;

export async function takeCorrespondence(session: Session, file: string): Promise<undefined> {
  const { out, config, files } = session;
  const { importCorrespondence } = await import('../bridge/directory/correspondence.ts');
  const progress = openProgress(out, 'read');
  const report = await importCorrespondence(files.privateDirectory, file, {
    maxShrinkPercent: config.directory.maxShrink,
    now: new Date().toISOString(),
    onProgress: progress.at,
  }).finally(progress.end);
  await shareForAll(session, 'addresses');
  const against = await againstTheTable(session);
  out.result(
    { ...report, contradictions: against },
    `${oneLine(report.source)}: ${counted(report.addresses, 'MSSanté address', 'MSSanté addresses')} in ${counted(report.lines, 'line')}`,
  );
  warnOfLeftOut(out, report);
  for (const { mailbox, why } of against.slice(0, SHOWN)) out.warn(`mandat: ${mailbox}: ${why}`);
  if (against.length > SHOWN) out.warn(`mandat: and ${counted(against.length - SHOWN, 'mailbox', 'mailboxes')} more`);
  return undefined;
}

/** Mailboxes that were there before the list, or that other programs have written. Nothing is done to them. */
async function againstTheTable(
  session: Session,
): Promise<readonly { readonly mailbox: string; readonly why: string }[]> {
  if (session.config.identity.scheme !== 'rpps') return [];
  const mailboxes = await session.table(listMailboxes);
  const addresses = mailboxes.map(({ address }) => address);
  const published = publishedMailboxes(session.files.privateDirectory, addresses);
  return mailboxes.flatMap(({ address, kind, owner }) => {
    const found = contradictions({ kind, owner }, published?.get(address) ?? []);
    return found.length === 0 ? [] : [{ mailbox: address, why: found.join('; ') }];
  });
}

/** What is published of one address: nothing outside French health, before the first import, and of who asked not to be in it. */
export function publishedOf({ config, files }: Session, address: string): readonly PublishedMailbox[] {
  if (config.identity.scheme !== 'rpps') return [];
  return publishedMailboxes(files.privateDirectory, [address])?.get(address) ?? [];
}

/** Before a grant: a mailbox that another program wrote as PER, or that was there before the list, and isn't one. R2. */
export function refuseImpersonal({ config, files }: Session, addresses: readonly string[]): void {
  if (config.identity.scheme !== 'rpps') return;
  for (const [address, published] of publishedMailboxes(files.privateDirectory, [...new Set(addresses)]) ?? []) {
    const [why] = contradictions({ kind: 'PER' }, published);
    if (why === undefined) continue;
    throw new Failure(
      'refused',
      `${address}: only a personal mailbox (PER) can be delegated, and ${why}; nothing was written`,
      `"mandat mailbox set ${address} --kind ${published[0]?.kind ?? 'ORG'}" says so in the table`,
      { rule: 'MANDAT_NOT_PERSONAL' },
    );
  }
}
