/**
 * Which folders an account had when a pass last listed them. By the server's id: a folder among them stood there before whatever is
 * written next, and need not be asked for again. By a digest of the whole: whether anything has come, gone, or been renamed since.
 */
import { createHash } from 'node:crypto';
import type { StateDb } from './state-db.ts';

export interface SeenFolder {
  readonly id: string;
  readonly name: string;
  readonly specialUse: boolean;
}

/** Undefined when the account was never looked at. */
export async function foldersSeen(
  db: StateDb,
  server: string,
  ownerLogin: string,
): Promise<readonly string[] | undefined> {
  const row = await stored(db, server, ownerLogin);
  return row === undefined ? undefined : (JSON.parse(row.ids) as string[]);
}

export async function rememberFolders(
  db: StateDb,
  server: string,
  ownerLogin: string,
  folders: readonly SeenFolder[],
): Promise<void> {
  const ids = JSON.stringify(folders.map(({ id }) => id).sort());
  const listing = digest(folders);
  const row = await stored(db, server, ownerLogin);
  if (row?.ids === ids && row.listing === listing) return; // a sweep mostly finds what it knew
  await db.query
    .insertInto('folders_seen')
    .values({ server, owner_login: ownerLogin, ids, listing })
    .onConflict((conflict) => conflict.columns(['server', 'owner_login']).doUpdateSet({ ids, listing }))
    .execute();
}

/** Whether these are the folders that a pass last saw: same names, ids and special uses. False where none has looked. */
export async function asSeen(
  db: StateDb,
  server: string,
  ownerLogin: string,
  folders: readonly SeenFolder[],
): Promise<boolean> {
  return (await stored(db, server, ownerLogin))?.listing === digest(folders);
}

function digest(folders: readonly SeenFolder[]): string {
  const lines = folders.map(({ id, name, specialUse }) => JSON.stringify([id, name, specialUse])).sort();
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

async function stored(
  db: StateDb,
  server: string,
  ownerLogin: string,
): Promise<{ readonly ids: string; readonly listing: string | null } | undefined> {
  return db.query
    .selectFrom('folders_seen')
    .select(['ids', 'listing'])
    .where('server', '=', server)
    .where('owner_login', '=', ownerLogin)
    .executeTakeFirst();
}
