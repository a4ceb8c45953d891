/** Folders that a delegate has been subscribed to, per pair of the ledger, and which of them were their own doing. R46. */
import type { FolderName } from './ledger-pairs.ts';
import type { StateDb } from './state-db.ts';

/** In the column `ours`, beside 0 and 1. */
const INTENDED = 2;
/** Taken out of the list for a moment, to see whose list it is. */
const TRIED = 3;

export async function recordSubscriptions(
  db: StateDb,
  id: number,
  folders: ReadonlyMap<FolderName, boolean>,
): Promise<void> {
  if (folders.size === 0) return;
  await db.write(async (query) => {
    for (const [folder, ours] of folders) {
      await query
        .insertInto('subscriptions')
        .values({ ledger_id: id, folder, ours: Number(ours) })
        .onConflict((conflict) => conflict.columns(['ledger_id', 'folder']).doNothing())
        .execute();
    }
  });
}

/** Folders they are about to be subscribed to: they count as ours from now on, and as not done until {@link settleSubscriptions}. */
export async function intendSubscriptions(db: StateDb, id: number, folders: readonly FolderName[]): Promise<void> {
  if (folders.length > 0) await intendAllSubscriptions(db, new Map([[id, folders]]));
}

/** Of several pairs, in one commit. */
export async function intendAllSubscriptions(
  db: StateDb,
  pairs: ReadonlyMap<number, readonly FolderName[]>,
): Promise<void> {
  await db.write(async (query) => {
    for (const [id, folders] of pairs)
      for (const folder of folders) {
        await query
          .insertInto('subscriptions')
          .values({ ledger_id: id, folder, ours: INTENDED })
          .onConflict((conflict) => conflict.columns(['ledger_id', 'folder']).doNothing())
          .execute();
      }
  });
}

/** What has become of a delegate's folders: `own`, they had subscribed to by themselves; `done` and `refused`, of those that were intended. */
export interface Subscribed {
  readonly own: readonly FolderName[];
  readonly done: readonly FolderName[];
  readonly refused: readonly FolderName[];
}

/** Within a transaction that is open. */
export async function noteSubscribed(
  { query }: Pick<StateDb, 'query'>,
  id: number,
  { own, done, refused }: Subscribed,
): Promise<void> {
  for (const folder of own) {
    const row = query.insertInto('subscriptions').values({ ledger_id: id, folder, ours: 0 });
    await row.onConflict((conflict) => conflict.columns(['ledger_id', 'folder']).doNothing()).execute();
  }
  for (const folder of done) {
    const row = query.updateTable('subscriptions').set({ ours: 1 });
    await row.where('ledger_id', '=', id).where('folder', '=', folder).execute();
  }
  await forgetSubscriptions({ query }, id, refused);
}

/** What was intended and may not have been done: by a pass that ended early, or a process that was killed. */
export function unsettledSubscriptions(db: StateDb, id: number): Promise<readonly FolderName[]> {
  return foldersThatAre(INTENDED, db, id);
}

export async function settleSubscriptions(db: StateDb, id: number, folders: readonly FolderName[]): Promise<void> {
  if (folders.length === 0) return;
  await db.write((query) => noteSubscribed({ query }, id, { own: [], done: folders, refused: [] }));
}

export async function forgetSubscriptions(
  db: Pick<StateDb, 'query'>,
  id: number,
  folders: readonly FolderName[],
): Promise<void> {
  for (const folder of folders) {
    await db.query.deleteFrom('subscriptions').where('ledger_id', '=', id).where('folder', '=', folder).execute();
  }
}

export async function trySubscription(db: StateDb, id: number, folder: FolderName): Promise<void> {
  await db.query
    .insertInto('subscriptions')
    .values({ ledger_id: id, folder, ours: TRIED })
    .onConflict((conflict) => conflict.columns(['ledger_id', 'folder']).doUpdateSet({ ours: TRIED }))
    .execute();
}

/** Those of a pass that ended before they were put back. */
export function triedSubscriptions(db: StateDb, id: number): Promise<readonly FolderName[]> {
  return foldersThatAre(TRIED, db, id);
}

/** It is back: from now on the delegate's own. */
export async function settleTried(db: StateDb, id: number, folder: FolderName): Promise<void> {
  const row = db.query.updateTable('subscriptions').set({ ours: 0 });
  await row.where('ledger_id', '=', id).where('folder', '=', folder).execute();
}

async function foldersThatAre(
  ours: typeof INTENDED | typeof TRIED,
  db: StateDb,
  id: number,
): Promise<readonly FolderName[]> {
  const rows = await db.query
    .selectFrom('subscriptions')
    .select('folder')
    .where('ledger_id', '=', id)
    .where('ours', '=', ours)
    .execute();
  return rows.map(({ folder }) => folder);
}
