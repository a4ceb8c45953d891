/**
 * Which folders an account had when a pass last listed them. By the server's id: a folder among them stood there before whatever is
 * written next, and need not be asked for again. By a digest of the whole: whether anything has come, gone, or been renamed since.
 */
import { createHash } from 'node:crypto';
import { keptQuery } from '../kept-queries.ts';
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

/**
 * Notes what is there now. Returns the ids of those that no verified pass has brought in line yet: they have come since, or have become a
 * special-use folder, or an ordinary one. What isn't as it should be there is nobody's doing.
 */
export async function rememberFolders(
  db: StateDb,
  server: string,
  ownerLogin: string,
  folders: readonly SeenFolder[],
): Promise<ReadonlySet<string>> {
  const all = folders.map(({ id }) => id).sort();
  const ids = JSON.stringify(all);
  const listing = digest(folders);
  const special = JSON.stringify(folders.flatMap(({ id, specialUse }) => (specialUse ? [id] : [])).sort());
  const row = await stored(db, server, ownerLogin);
  const waiting = new Set(list(row?.unsettled));
  // A sweep mostly finds what it knew.
  if (row !== undefined && row.ids === ids && row.listing === listing && row.special === special) return waiting;
  const before = new Set(list(row?.ids));
  const wereSpecial = row?.special == null ? undefined : new Set(list(row.special));
  const moved = ({ id, specialUse }: SeenFolder) =>
    !before.has(id) || (wereSpecial?.has(id) ?? specialUse) !== specialUse;
  for (const folder of folders) if (moved(folder)) waiting.add(folder.id);
  const unsettled = new Set(all.filter((id) => waiting.has(id)));
  const values = { ids, listing, special, unsettled: unsettled.size === 0 ? null : JSON.stringify([...unsettled]) };
  await db.query
    .insertInto('folders_seen')
    .values({ server, owner_login: ownerLogin, ...values })
    .onConflict((conflict) => conflict.columns(['server', 'owner_login']).doUpdateSet(values))
    .execute();
  return unsettled;
}

/** A verified pass has brought all of them in line. */
export async function settleFolders(db: Pick<StateDb, 'query'>, server: string, ownerLogin: string): Promise<void> {
  await db.query
    .updateTable('folders_seen')
    .set({ unsettled: null })
    .where('server', '=', server)
    .where('owner_login', '=', ownerLogin)
    .execute();
}

const list = (json: string | null | undefined): readonly string[] => JSON.parse(json ?? '[]') as string[];

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

async function stored(db: StateDb, server: string, ownerLogin: string) {
  const [row] = await seen(db.query, { server, ownerLogin });
  return row;
}

const seen = keptQuery((query: StateDb['query'], { server, ownerLogin }: { server: string; ownerLogin: string }) =>
  query
    .selectFrom('folders_seen')
    .select(['ids', 'listing', 'special', 'unsettled'])
    .where('server', '=', server)
    .where('owner_login', '=', ownerLogin),
);
