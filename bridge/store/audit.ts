/**
 * The audit trail. Triggers leave plain events in delegation.db; the sidecar, and nobody else, drains them into state.db and
 * seals them in order: each seal is an HMAC over the entry and the seal before it, so that a line taken out or changed shows. R3.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Transaction } from 'kysely';
import type { Instant } from '../../acl/policy.ts';
import { Failure } from '../failure.ts';
import type { DelegationDb } from './delegation-db.ts';
import { fact, setFact } from './facts.ts';
import { guarded } from './open.ts';
import { giveToDirectoryOwner } from './ownership.ts';
import type { StateDatabase, StateDb } from './state-db.ts';
import { makeWhole } from './whole.ts';

export interface AuditEntry {
  readonly at: Instant;
  readonly actor: string;
  readonly reason: string | null;
  readonly action: string;
  readonly mailbox: string | null;
  readonly delegate: string | null;
  /** JSON. */
  readonly detail: string | null;
}

/** What the sidecar itself has to say of a delegation. */
export function outcomeEntry(
  at: Instant,
  action: string,
  mailbox: string,
  delegate: string | null,
  detail: object | undefined,
): AuditEntry {
  return {
    at,
    actor: 'mandat',
    reason: null,
    action,
    mailbox,
    delegate,
    detail: detail === undefined ? null : JSON.stringify(detail),
  };
}

/** Makes the key when there is none. Whoever has it could forge a trail: 0600. */
export function sealKey(file: string): Buffer {
  return guarded(file, { what: "the audit trail's key" }, () => {
    if (!existsSync(file)) {
      makeWhole(file, (draft) => {
        writeFileSync(draft, randomBytes(32).toString('hex'), { mode: 0o600 });
        chmodSync(draft, 0o600);
        giveToDirectoryOwner(draft);
      });
    }
    return readKey(file);
  });
}

/** The key that is there. Checking a trail makes none. */
export function existingSealKey(file: string): Buffer {
  return guarded(file, { what: "the audit trail's key" }, () => readKey(file));
}

function readKey(file: string): Buffer {
  const text = readFileSync(file, 'utf8').trim();
  // What isn't hexadecimal would be read as an empty key, with which anybody could seal.
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new Failure('config', `${file} is no key of 64 hexadecimal digits`, 'restore it from the backup');
  }
  return Buffer.from(text, 'hex');
}

export function seal(key: Buffer, previous: string, entry: AuditEntry): string {
  const { at, actor, reason, action, mailbox, delegate, detail } = entry;
  return createHmac('sha256', key)
    .update(JSON.stringify([previous, at, actor, reason, action, mailbox, delegate, detail]))
    .digest('hex');
}

export async function appendAudit(state: StateDb, key: Buffer, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length > 0) await state.write((query) => append(query, key, entries));
}

/** In a transaction that the caller has open. */
export async function append(
  query: Transaction<StateDatabase>,
  key: Buffer,
  entries: readonly AuditEntry[],
): Promise<void> {
  const last = await query.selectFrom('audit').select('seal').orderBy('id', 'desc').limit(1).executeTakeFirst();
  let previous = last?.seal ?? '';
  for (const { at, actor, reason, action, mailbox, delegate, detail } of entries) {
    const entry = { at, actor, reason, action, mailbox, delegate, detail };
    previous = seal(key, previous, entry);
    await query
      .insertInto('audit')
      .values({ ...entry, seal: previous })
      .execute();
  }
  await setFact({ query }, 'audit-head', headMark(key, previous));
}

/** Entries taken off the end leave a chain that holds; what the last seal was, they can't take along without the key. */
function headMark(key: Buffer, last: string): string {
  return createHmac('sha256', key).update(`head ${last}`).digest('hex');
}

/**
 * Moves the events over. The highest event taken is remembered in the same transaction as the entries made of them, so a crash
 * before they are deleted from the table doubles none.
 */
export async function drainEvents(table: DelegationDb, state: StateDb, key: Buffer): Promise<number> {
  const drained = Number((await fact(state, 'drained')) ?? 0);
  const events = await table.query.selectFrom('events').selectAll().orderBy('id').execute();
  const last = events.at(-1);
  if (last === undefined) return 0;
  const fresh = events.filter(({ id }) => id > drained);
  if (fresh.length > 0) {
    await state.write(async (query) => {
      await append(query, key, fresh);
      await setFact({ query }, 'drained', String(last.id));
    });
  }
  await table.write({ actor: 'mandat' }, (query) => query.deleteFrom('events').where('id', '<=', last.id).execute());
  return fresh.length;
}

/**
 * The id of the first entry whose seal doesn't hold: it, or one before it, was altered or taken out. One more than the last id when
 * entries were taken off the end. Undefined when all hold.
 */
export async function verifyAudit(state: StateDb, key: Buffer): Promise<number | undefined> {
  let previous = '';
  let last = 0;
  for await (const { id, seal: found, ...entry } of state.query
    .selectFrom('audit')
    .selectAll()
    .orderBy('id')
    .stream()) {
    const { at, actor, reason, action, mailbox, delegate, detail } = entry;
    if (seal(key, previous, { at, actor, reason, action, mailbox, delegate, detail }) !== found) return id;
    previous = found;
    last = id;
  }
  const head = await fact(state, 'audit-head');
  const expected = last === 0 ? undefined : headMark(key, previous);
  return head === expected ? undefined : last + 1;
}
