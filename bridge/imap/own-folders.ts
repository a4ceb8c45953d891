/** The folders that are an owner's own, with their ids and special uses, from one LIST. */
import type { SiteNames } from '../../acl/special-folders.ts';
import type { Folder } from '../reconcile/mail-server.ts';
import { atom, type Connection, text } from './connection.ts';
import type { Dialect } from './dialect.ts';
import { foldersOf, must } from './replies.ts';

export async function ownFolders(
  connection: Connection,
  { folderId, withheld }: Dialect,
  login: string,
  siteNames: SiteNames,
): Promise<readonly Folder[]> {
  // STATUS opens each folder, so that special-use folders declared `auto` exist after this (server facts, trap 7).
  const ids = folderId === undefined ? [] : [atom('STATUS'), [atom(folderId)]];
  const reply = await connection.run(
    'LIST',
    [text(''), text('*'), atom('RETURN'), [atom('SPECIAL-USE'), atom('SUBSCRIBED'), ...ids]],
    'LIST',
    'STATUS',
  );
  const folders = foldersOf(must(reply, `list the folders of ${login}`), await connection.namespaces(), siteNames);
  return withheld === '' ? folders : folders.map((folder) => ({ ...folder, withheld }));
}
