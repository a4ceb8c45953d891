/** The folders that are an owner's own, with their ids and special uses, from one LIST. */
import type { SiteNames } from '../../acl/special-folders.ts';
import type { Offer } from '../../acl/ties.ts';
import type { Folder } from '../reconcile/mail-server.ts';
import type { Connection } from './connection.ts';
import type { Dialect } from './dialect.ts';
import { everything } from './listing.ts';
import { foldersOf } from './replies.ts';

export async function ownFolders(
  connection: Connection,
  { folderId, withheld }: Dialect,
  login: string,
  { siteNames, offer: { ties } }: { readonly siteNames: SiteNames; readonly offer: Offer },
): Promise<readonly Folder[]> {
  const responses = await everything(connection, folderId, `list the folders of ${login}`);
  const folders = foldersOf(responses, await connection.namespaces(), siteNames);
  if (withheld === '' && ties.length === 0) return folders;
  return folders.map((folder) => ({ ...folder, withheld, ties }));
}
