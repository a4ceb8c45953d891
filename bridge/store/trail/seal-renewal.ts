/**
 * The trail under a new key, where the old one, or part of the trail, is lost for good: what is there can't be proven any more. So it is pruned, as
 * what is too old is, and leaves a checkpoint and an entry that say so; the chain goes on from there.
 */

import { rmSync } from 'node:fs';
import { sql } from 'kysely';
import { openStanding } from '../../../acl/access-history.ts';
import type { Instant } from '../../../acl/delegation-facts.ts';
import { onPostgres } from '../dialect.ts';
import type { StateDb } from '../state/state-db.ts';
import { headFileOf, writeHead } from './seal-head.ts';
import { agreeOn, append, auditHead, ownEntry, sealKey } from './sealing.ts';
import { checkpointSeal, lastCheckpoint } from './trail-pruning.ts';
import { sealedEntries } from './trail-reading.ts';

/** Those sealed with the lost key, which nobody can prove; the table's own rule allows it to nobody else. */
async function forgetCheckpoints(query: Pick<StateDb, 'query'>['query']): Promise<void> {
  const name = 'audit_checkpoints_deleting';
  if (onPostgres(query)) {
    await sql.raw(`ALTER TABLE audit_checkpoints DISABLE TRIGGER ${name}`).execute(query);
    await query.deleteFrom('audit_checkpoints').execute();
    await sql.raw(`ALTER TABLE audit_checkpoints ENABLE TRIGGER ${name}`).execute(query);
    return;
  }
  const found = await sql<{
    sql: string;
  }>`SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ${name}`.execute(query);
  await sql.raw(`DROP TRIGGER IF EXISTS ${name}`).execute(query);
  await query.deleteFrom('audit_checkpoints').execute();
  for (const { sql: made } of found.rows) await sql.raw(made).execute(query);
}

/**
 * Returns how many entries were taken off. Interrupted, it is to be called again. `others`: seals with the new key whatever else the old one did; what
 * it answers stands in the entry that says so.
 */
export async function renewSeals(
  state: StateDb,
  sealKeyFile: string,
  now: Instant,
  others: (key: Buffer) => Readonly<Record<string, number>> = () => ({}),
): Promise<number> {
  rmSync(sealKeyFile, { force: true });
  const key = sealKey(sealKeyFile);
  const sealedAnew = others(key);
  const entries = await state.write(async (query) => {
    const standing = openStanding((await lastCheckpoint({ query }))?.standing);
    let count = 0;
    let lastAt = now;
    for await (const entry of sealedEntries({ query }, {})) {
      standing.take(entry);
      lastAt = entry.at;
      count++;
    }
    const end = await auditHead({ query });
    await forgetCheckpoints(query);
    if (end !== undefined) {
      const shown = JSON.stringify(standing.now());
      const point = { last_id: end.id, at: now, entries: count, last_at: lastAt, last_seal: end.seal, standing: shown };
      await query
        .insertInto('audit_checkpoints')
        .values({ ...point, seal: checkpointSeal(key, '', point) })
        .execute();
      await query.deleteFrom('audit').where('id', '<=', end.id).execute();
    }
    const detail = { entries: count, ...(end === undefined ? {} : { last: end.id }), ...sealedAnew };
    await append({ query }, key, [ownEntry(now, { action: 'seal-key-new', mailbox: null, delegate: null, detail })]);
    return count;
  });
  if (onPostgres(state.query)) await agreeOn(state, key, sealKeyFile, undefined);
  const head = await auditHead(state);
  if (head !== undefined) writeHead(headFileOf(sealKeyFile), key, head);
  return entries;
}
