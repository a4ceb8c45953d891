/** Folders of an owner that need no subscription any more, while the owner has delegates. By the server's folder id. */
import { keptQuery } from '../kept-queries.ts';
import type { FolderName } from './ledger-pairs.ts';
import type { StateDb } from './state-db.ts';

export interface OwnerFolder {
  readonly id: string;
  readonly name: FolderName;
  /** Whether the owner was subscribed to it when it was last looked at. */
  readonly subscribed: boolean;
}

/** By id; empty when nothing has been noted since the mailbox has delegates. */
export async function ownerFolders(
  db: StateDb,
  server: string,
  ownerLogin: string,
): Promise<ReadonlyMap<string, OwnerFolder>> {
  const rows = await known(db.query, { server, ownerLogin });
  return new Map(
    rows.map((row) => [row.folder_id, { id: row.folder_id, name: row.folder, subscribed: row.subscribed === 1 }]),
  );
}

const known = keptQuery((query: StateDb['query'], { server, ownerLogin }: { server: string; ownerLogin: string }) =>
  query
    .selectFrom('owner_folders')
    .select(['folder_id', 'folder', 'subscribed'])
    .where('server', '=', server)
    .where('owner_login', '=', ownerLogin),
);

export async function noteOwnerFolders(
  db: StateDb,
  server: string,
  ownerLogin: string,
  folders: readonly OwnerFolder[],
): Promise<void> {
  if (folders.length === 0) return;
  await db.write(async (query) => {
    for (const { id, name, subscribed } of folders) {
      const values = { folder: name, subscribed: Number(subscribed) };
      await query
        .insertInto('owner_folders')
        .values({ server, owner_login: ownerLogin, folder_id: id, ...values })
        .onConflict((conflict) => conflict.columns(['server', 'owner_login', 'folder_id']).doUpdateSet(values))
        .execute();
    }
  });
}

export async function forgetOwnerFolders(
  db: StateDb,
  server: string,
  ownerLogin: string,
  ids: readonly string[],
): Promise<void> {
  const all = db.query.deleteFrom('owner_folders').where('server', '=', server).where('owner_login', '=', ownerLogin);
  for (const id of ids) await all.where('folder_id', '=', id).execute();
}

/** All of an owner's, once nobody has anything of the mailbox: what appears from now on is the owner's own affair. */
export async function forgetUndelegated(query: StateDb['query'], server: string, ownerLogin: string): Promise<void> {
  await query
    .deleteFrom('owner_folders')
    .where('server', '=', server)
    .where('owner_login', '=', ownerLogin)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('ledger')
            .select('id')
            .where('ledger.server', '=', server)
            .where('ledger.owner_login', '=', ownerLogin),
        ),
      ),
    )
    .execute();
}
