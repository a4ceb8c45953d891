/**
 * Which folders an account had when it was last looked at, by the server's id: a folder among them stood there before whatever is
 * written next, and need not be asked for again.
 */
import type { StateDb } from './state-db.ts';

/** Undefined when the account was never looked at. */
export async function foldersSeen(
  db: StateDb,
  server: string,
  ownerLogin: string,
): Promise<readonly string[] | undefined> {
  const ids = await stored(db, server, ownerLogin);
  return ids === undefined ? undefined : (JSON.parse(ids) as string[]);
}

export async function rememberFolders(
  db: StateDb,
  server: string,
  ownerLogin: string,
  folderIds: readonly string[],
): Promise<void> {
  const ids = JSON.stringify([...folderIds].sort());
  if ((await stored(db, server, ownerLogin)) === ids) return; // a sweep mostly finds what it knew
  await db.query
    .insertInto('folders_seen')
    .values({ server, owner_login: ownerLogin, ids })
    .onConflict((conflict) => conflict.columns(['server', 'owner_login']).doUpdateSet({ ids }))
    .execute();
}

async function stored(db: StateDb, server: string, ownerLogin: string): Promise<string | undefined> {
  const row = await db.query
    .selectFrom('folders_seen')
    .select('ids')
    .where('server', '=', server)
    .where('owner_login', '=', ownerLogin)
    .executeTakeFirst();
  return row?.ids;
}
