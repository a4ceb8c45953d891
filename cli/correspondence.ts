/** The published list of MSSanté addresses: taking it over, and what it says of a mailbox. R2. */
import { publishedMailboxes } from '../bridge/directory/correspondence.ts';
import { contradictions } from '../bridge/directory/published-mailbox.ts';
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
