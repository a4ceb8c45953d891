/** One look at a mailbox as its owner, or as a delegate: a login of its own, which ends with the look, however that ends. Reads only. */
import type { Rights } from '../../acl/rights.ts';
import { type Entries, type Folder, INBOX, type MailServer } from '../reconcile/driver-interfaces.ts';
import type { FolderName } from '../store/state/ledger-pairs.ts';

export interface ReadTree {
  readonly folders: readonly Folder[];
  readonly entries: ReadonlyMap<FolderName, Entries>;
}

/** Every folder, as the owner lists them, with the entries that stand in it. */
export async function lookAsOwner(server: MailServer, owner: string): Promise<ReadTree> {
  const view = await server.asOwner(owner);
  return closing(view, async () => {
    const folders = await view.folders();
    return { folders, entries: await view.entries(folders.map(({ name }) => name)) };
  });
}

/** What a delegate may really do, whatever is inherited: in these folders, or in the INBOX and all that is listed to them. */
export async function lookAsDelegate(
  server: MailServer,
  owner: string,
  login: string,
  folders?: readonly FolderName[],
): Promise<ReadonlyMap<FolderName, Rights>> {
  const view = await server.asDelegate(login);
  return closing(view, async () => view.rights(owner, folders ?? [...new Set([INBOX, ...(await view.listed(owner))])]));
}

/** The session ends with the look. */
export async function closing<T>(view: { close(): void }, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } finally {
    view.close();
  }
}
