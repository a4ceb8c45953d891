/**
 * Taking off the beginning of the audit trail what is older than it is kept. A checkpoint remains, sealed: which entry was the last, its
 * seal, and who had what then; so the rest can still be proven, and read. In portions: what is older is read, the checkpoint is written, and only
 * then is taken away, bit by bit, what it stands for. From the checkpoint on nobody reads that any more; interrupted, the next pruning goes on. R3.
 */

import { openStanding, type Standing } from '../../../acl/access-history.ts';
import type { Instant } from '../../../acl/delegation-facts.ts';
import { type GiveWay, giveBack, PORTION_ROWS } from '../../shared/portions.ts';
import type { StateDatabase, StateDb } from '../state/state-db.ts';
import { mac } from './seal-mac.ts';
import { append, ENTRY, ownEntry } from './sealing.ts';

type Checkpoint = Omit<StateDatabase['audit_checkpoints'], 'seal'>;

export function checkpointSeal(key: Buffer, before: string, point: Checkpoint): string {
  const { last_id, at, entries, last_at, last_seal, standing } = point;
  return mac(key, JSON.stringify(['checkpoint', before, last_id, at, entries, last_at, last_seal, standing]));
}

/** The newest checkpoint, with who had what when its last entry was written. */
export async function lastCheckpoint({
  query,
}: Pick<StateDb, 'query'>): Promise<
  { readonly lastId: number; readonly lastAt: Instant; readonly standing: Standing } | undefined
> {
  const point = await query
    .selectFrom('audit_checkpoints')
    .select(['last_id', 'last_at', 'standing'])
    .orderBy('last_id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (point === undefined) return undefined;
  return { lastId: point.last_id, lastAt: point.last_at, standing: JSON.parse(point.standing) as Standing };
}

/** The last entry that was pruned, 0 where none was: what stands up to there counts for nothing, and is being taken away. */
export async function prunedUpTo({ query }: Pick<StateDb, 'query'>): Promise<number> {
  const point = await query
    .selectFrom('audit_checkpoints')
    .select('last_id')
    .orderBy('last_id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return point?.last_id ?? 0;
}

/** Prunes what is older than `before`. Returns how many entries went; 0 where it was to give way for good before the checkpoint stood. */
export async function pruneAudit(
  state: StateDb,
  key: Buffer,
  before: Instant,
  now: Instant,
  giveWay: GiveWay = giveBack,
): Promise<number> {
  if (!(await takePruned(state, giveWay))) return 0;
  const first = await state.query.selectFrom('audit').select('at').orderBy('id').limit(1).executeTakeFirst();
  if (first === undefined || first.at >= before) return 0;
  const older = await readOlder(state, before, giveWay);
  if (older === undefined) return 0;
  await state.write(async (query) => {
    const sealed = await query
      .selectFrom('audit_checkpoints')
      .select('seal')
      .orderBy('last_id', 'desc')
      .limit(1)
      .executeTakeFirst();
    const point = { ...older, at: now };
    await query
      .insertInto('audit_checkpoints')
      .values({ ...point, seal: checkpointSeal(key, sealed?.seal ?? '', point) })
      .execute();
    const detail = { entries: older.entries, until: older.last_at };
    await append({ query }, key, [ownEntry(now, { action: 'audit-prune', mailbox: null, delegate: null, detail })]);
  });
  await takePruned(state, giveWay);
  return older.entries;
}

/** What a checkpoint says of all entries before the first younger one. Entries never change, and only this takes any away, so it need not be one look. */
async function readOlder(
  state: StateDb,
  before: Instant,
  giveWay: GiveWay,
): Promise<Omit<Checkpoint, 'at'> | undefined> {
  const younger = await state.query
    .selectFrom('audit')
    .select(({ fn }) => fn.min<number | null>('id').as('id'))
    .where('at', '>=', before)
    .executeTakeFirstOrThrow();
  const standing = openStanding((await lastCheckpoint(state))?.standing);
  let last = { id: 0, seal: '' };
  let lastAt = '';
  for (let entries = 0; ; ) {
    const page = await state.query
      .selectFrom('audit')
      .select(['id', 'seal', 'claimed', ...ENTRY])
      .where('id', '>', last.id)
      .$if(younger.id !== null, (select) => select.where('id', '<', younger.id))
      .orderBy('id')
      .limit(PORTION_ROWS)
      .execute();
    for (const entry of page) {
      standing.take(entry);
      last = entry;
      if (entry.at > lastAt) lastAt = entry.at;
    }
    entries += page.length;
    if (page.length === PORTION_ROWS) {
      if (!(await giveWay())) return undefined;
      continue;
    }
    if (last.id === 0) return undefined;
    const shown = JSON.stringify(standing.now());
    return { last_id: last.id, entries, last_at: lastAt, last_seal: last.seal, standing: shown };
  }
}

/** What checkpoints stand for, the oldest first. False: the rest is for another time. */
async function takePruned(state: StateDb, giveWay: GiveWay): Promise<boolean> {
  for (;;) {
    const pruned = await prunedUpTo(state);
    const some = state.query.selectFrom('audit').select('id').where('id', '<=', pruned).orderBy('id');
    const ids = (await some.limit(PORTION_ROWS).execute()).map(({ id }) => id);
    const last = ids.at(-1);
    if (last === undefined) return true;
    await state.write((query) => query.deleteFrom('audit').where('id', '<=', last).execute());
    if (ids.length < PORTION_ROWS) return true;
    if (!(await giveWay())) return false;
  }
}
