/**
 * How often an entry was put right within the last ten minutes, so that two programs that both repair the same entry don't do so for ever. It
 * goes by the system's time: a clock that was ahead and is set back would otherwise keep a repair in mind for as long.
 */
import type { StateDb } from './state-db.ts';

/** So many times within {@link REPAIRS_WITHIN_MS}. */
export const MOST_REPAIRS = 3;
export const REPAIRS_WITHIN_MS = 600_000;
/** Of all mailboxes; the oldest are forgotten first, which lets an entry be put right once more. */
const MOST_KEPT = 100_000;

/** Whose entry in which of whose folders. */
export interface RepairedAt {
  readonly server: string;
  readonly owner: string;
  readonly login: string;
}

/** When, by the folder's id; in ms since the epoch, the oldest first. */
export async function repairsOf(
  { query }: Pick<StateDb, 'query'>,
  { server, owner, login }: RepairedAt,
  now = Date.now(),
): Promise<ReadonlyMap<string, readonly number[]>> {
  const rows = await query
    .selectFrom('repairs')
    .select(['folder_id as folder', 'at'])
    .where('server', '=', server)
    .where('owner_login', '=', owner)
    .where('login', '=', login)
    .where('at', '>', instant(now - REPAIRS_WITHIN_MS))
    .where('at', '<=', instant(now))
    .orderBy('id')
    .execute();
  const found = new Map<string, number[]>();
  for (const { folder, at } of rows) found.set(folder, [...(found.get(folder) ?? []), Date.parse(at)]);
  return found;
}

/** Once for each of these folders; what is older than it counts for anything is forgotten. */
export async function noteRepairs(
  db: Pick<StateDb, 'write'>,
  { server, owner, login }: RepairedAt,
  folderIds: readonly string[],
  now = Date.now(),
  most = MOST_KEPT,
): Promise<void> {
  if (folderIds.length === 0) return;
  const at = instant(now);
  await db.write(async (query) => {
    await forgetRepairs({ query }, now);
    let last = 0;
    for (const folder_id of folderIds) {
      const { id } = await query
        .insertInto('repairs')
        .values({ server, owner_login: owner, login, folder_id, at })
        .returning('id')
        .executeTakeFirstOrThrow();
      last = Number(id);
    }
    await query
      .deleteFrom('repairs')
      .where('id', '<=', last - most)
      .execute();
  });
}

export async function forgetRepairs({ query }: Pick<StateDb, 'query'>, now = Date.now()): Promise<void> {
  await query
    .deleteFrom('repairs')
    .where('at', '<=', instant(now - REPAIRS_WITHIN_MS))
    .execute();
  await query.deleteFrom('repairs').where('at', '>', instant(now)).execute(); // by a clock that was ahead
}

const instant = (ms: number) => new Date(ms).toISOString();
