/** The folders that are an owner's own, with their ids and special uses, from one LIST. */
import { knownById } from '../../acl/same-folder.ts';
import type { SiteNames } from '../../acl/special-folders.ts';
import type { Offer } from '../../acl/tied-rights.ts';
import type { Folder } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import type { FolderName } from '../store/state/ledger-pairs.ts';
import { atom, text } from './arguments.ts';
import type { Connection } from './connection.ts';
import type { Dialect } from './dialect.ts';
import { everything, listed } from './listing.ts';
import { foldersOf, ownListed } from './replies.ts';

/** Their names alone: where folders have no index yet, a server may have to make one for each before it knows their ids. */
export async function ownNames(connection: Connection, login: string): Promise<readonly FolderName[]> {
  const responses = await listed(connection, ['*'], `list the folders of ${login}`);
  return ownListed(responses, await connection.namespaces()).map(({ name }) => name);
}

export async function ownFolders(
  connection: Connection,
  dialect: Dialect,
  login: string,
  { siteNames, offer: { ties } }: { readonly siteNames: SiteNames; readonly offer: Offer },
): Promise<readonly Folder[]> {
  const { folderId, withheld } = dialect;
  const responses = await everything(connection, folderId, `list the folders of ${login}`);
  const listed = foldersOf(responses, await connection.namespaces(), siteNames);
  if (listed.length === 0) throw noFolders(login);
  const folders = knownById(folderId === undefined ? listed : await thatLeadSomewhere(connection, dialect, listed));
  if (withheld === '' && ties.length === 0) return folders;
  return folders.map((folder) => ({ ...folder, withheld, ties }));
}

/** Without a link in a Maildir that leads nowhere: LIST shows it, and it has no id, since it can't be opened. */
async function thatLeadSomewhere(
  connection: Connection,
  dialect: Dialect,
  folders: readonly Folder[],
): Promise<readonly Folder[]> {
  const withoutId = folders.filter(({ name, id }) => id === name).map(({ name }) => name);
  if (withoutId.length === 0 || withoutId.length === folders.length) return folders; // ids were not asked for
  const gone = new Set<FolderName>();
  for (const name of withoutId) {
    const reply = await connection.run('STATUS', [text(name), [atom('MESSAGES')]]);
    if (!reply.ok && dialect.isGone(reply)) gone.add(name);
  }
  return folders.filter(({ name }) => !gone.has(name));
}

/** Everybody has an INBOX: nothing may be said of a mailbox whose folders can't be seen. */
function noFolders(login: string): Failure {
  return new Failure(
    'config',
    `the IMAP server lists no folder at all to ${login}, not even INBOX, so nothing can be given or taken there`,
    'what does LIST "" "*" answer to them in a mail program? On Cyrus with dots between folders (unixhierarchysep: no) a login with a dot is shown nothing',
  );
}
