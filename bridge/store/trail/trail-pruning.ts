/**
 * Taking off the beginning of the audit trail what is older than it is kept. A checkpoint remains, sealed: which entry was the last, its
 * seal, and who had what then; so the rest can still be proven, and read. One transaction: interrupted, nothing has happened. R3.
 */

import { openStanding, type Standing } from '../../../acl/access-history.ts';
import type { Instant } from '../../../acl/delegation-facts.ts';
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

/** Prunes what is older than `before`. Returns how many entries went. */
export async function pruneAudit(state: StateDb, key: Buffer, before: Instant, now: Instant): Promise<number> {
  const first = await state.query.selectFrom('audit').select('at').orderBy('id').limit(1).executeTakeFirst();
  if (first === undefined || first.at >= before) return 0;
  return state.write(async (query) => {
    const younger = await query
      .selectFrom('audit')
      .select(({ fn }) => fn.min<number | null>('id').as('id'))
      .where('at', '>=', before)
      .executeTakeFirstOrThrow();
    const standing = openStanding((await lastCheckpoint({ query }))?.standing);
    let last: { readonly id: number; readonly at: Instant; readonly seal: string } | undefined;
    let lastAt = '';
    let entries = 0;
    const older = query
      .selectFrom('audit')
      .select(['id', 'seal', 'claimed', ...ENTRY])
      .orderBy('id');
    for await (const entry of (younger.id === null ? older : older.where('id', '<', younger.id)).stream()) {
      standing.take(entry);
      last = entry;
      if (entry.at > lastAt) lastAt = entry.at;
      entries++;
    }
    if (last === undefined) return 0;
    const sealed = await query
      .selectFrom('audit_checkpoints')
      .select('seal')
      .orderBy('last_id', 'desc')
      .limit(1)
      .executeTakeFirst();
    const point = {
      last_id: last.id,
      at: now,
      entries,
      last_at: lastAt,
      last_seal: last.seal,
      standing: JSON.stringify(standing.now()),
    };
    await query
      .insertInto('audit_checkpoints')
      .values({ ...point, seal: checkpointSeal(key, sealed?.seal ?? '', point) })
      .execute();
    await query.deleteFrom('audit').where('id', '<=', last.id).execute();
    const detail = { entries, until: lastAt };
    await append({ query }, key, [ownEntry(now, { action: 'audit-prune', mailbox: null, delegate: null, detail })]);
    return entries;
  });
}
