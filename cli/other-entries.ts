/** Who else has access by entries that aren't mandat's, as commands say it. What stands in an ACL is somebody else's word: cleaned. */
import { entryName } from '../acl/entry-name.ts';
import type { OtherEntry } from '../acl/other-entries.ts';
import { otherEntriesOf, type SeenEntry } from '../bridge/store/state/other-entries.ts';
import { mailboxAt } from '../bridge/store/table/mailboxes.ts';
import { counted, oneLine } from './output.ts';
import type { Session } from './session.ts';
import { shownTime } from './times.ts';

/** `carol@example.org may lr in 3 folders, by an entry that isn't mandat's, seen since ...` */
export function otherEntryLine(
  { identifier, rights, folders, since }: OtherEntry & { readonly since: string | null },
  timezone: string,
): string {
  const seen = since === null ? 'not seen by mandat before' : `seen since ${shownTime(since, timezone)}`;
  const where = counted(folders, 'folder');
  const whose = entryName(identifier).sites
    ? "an entry of the site's own (its global ACL file)"
    : "an entry that isn't mandat's";
  return `${oneLine(identifier)} may ${rights} in ${where}, by ${whose}, ${seen}`;
}

/** As the last pass saw them. None of a mailbox that has left the table. */
export async function otherEntriesAt(session: Session, address: string): Promise<readonly SeenEntry[]> {
  const mailbox = await session.table((db) => mailboxAt(db, address).catch(() => undefined));
  if (mailbox === undefined) return [];
  return session.state((state) => otherEntriesOf(state, mailbox.server, mailbox.login));
}
