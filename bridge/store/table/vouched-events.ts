/**
 * What mandat's own commands vouch for: each event that they leave in the shared table carries a MAC under a key derived from the seal's, which
 * only root and mandat's user can read. An event without one is what somebody says of themselves: a claim. The MAC covers the event's number, so
 * that none is worth anything a second time.
 */
import { timingSafeEqual } from 'node:crypto';
import { sql } from 'kysely';
import { mac } from '../trail/seal-mac.ts';
import type { AuditEntry } from '../trail/sealing.ts';
import { ENTRY, existingSealKey } from '../trail/sealing.ts';
import type { Query } from './delegation-types.ts';

type Numbered = AuditEntry & { readonly id: number };

/** `key`: of the seals. */
export function vouch(key: Buffer, event: Numbered): string {
  return mac(Buffer.from(mac(key, 'events'), 'hex'), JSON.stringify([event.id, ...ENTRY.map((name) => event[name])]));
}

export function isVouched(key: Buffer, event: Numbered & { readonly mac: string | null }): boolean {
  const expected = Buffer.from(vouch(key, event), 'hex');
  const given = Buffer.from(event.mac ?? '', 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The key where this user may read it; undefined: what they write is a claim, like any other program's. */
export function vouchingKey(sealKeyFile: string): Buffer | undefined {
  try {
    return existingSealKey(sealKeyFile);
  } catch {
    return undefined;
  }
}

/** In a write transaction, with the lock held: the number that the next event comes after. */
export async function lastEvent(query: Query): Promise<number> {
  const { rows } = await sql<{ last: number | null }>`SELECT max(id) AS last FROM events`.execute(query);
  return rows[0]?.last ?? 0;
}

/** What this transaction has noted in its writer's name. */
export async function vouchFor(query: Query, key: Buffer, actor: string, after: number): Promise<void> {
  const events = await query
    .selectFrom('events')
    .selectAll()
    .where('id', '>', after)
    .where('actor', '=', actor)
    .execute();
  for (const event of events)
    await query
      .updateTable('events')
      .set({ mac: vouch(key, event) })
      .where('id', '=', event.id)
      .execute();
}
