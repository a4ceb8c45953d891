/**
 * The audit trail. Triggers leave plain events in delegation.db; the sidecar, and nobody else, drains them into state.db and
 * seals them in order: each seal is an HMAC over the entry and the seal before it, so that a line taken out or changed shows. R3.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Instant } from '../../../acl/delegation-facts.ts';
import { Failure } from '../../shared/failure.ts';
import { portion } from '../../shared/portions.ts';
import { onPostgres } from '../dialect.ts';
import { refuseLink } from '../files/no-follow.ts';
import { guarded } from '../files/open.ts';
import { makeWhole } from '../files/whole-file.ts';
import { fact, type SiteFact, setFact } from '../state/facts.ts';
import type { StateDb } from '../state/state-db.ts';
import { headFileOf, NO_HEAD, readHead, writeHead } from './seal-head.ts';
import { type AuditHead, mac } from './seal-mac.ts';

export interface AuditEntry {
  readonly at: Instant;
  readonly actor: string;
  readonly reason: string | null;
  readonly action: string;
  readonly mailbox: string | null;
  readonly delegate: string | null;
  /** JSON. */
  readonly detail: string | null;
  /** Whose affair it was, where somebody else acted: `owner:810101026994`. */
  readonly on_behalf: string | null;
  /** At whose keyboard, where that isn't the actor themselves. */
  readonly via: string | null;
  /** What it only claims: `actor`, who did it; `event`, that it happened at all. Null or left out: neither. */
  readonly claimed?: string | null;
}

/** The columns of a record, as they are read and sealed. */
export const ENTRY = [
  'at',
  'actor',
  'reason',
  'action',
  'mailbox',
  'delegate',
  'detail',
  'on_behalf',
  'via',
] as const satisfies readonly (keyof AuditEntry)[];

/** What the sidecar itself has to say. */
export function ownEntry(
  at: Instant,
  line: Pick<AuditEntry, 'action' | 'mailbox' | 'delegate'> & {
    readonly onBehalf?: string | null;
    readonly detail?: object | undefined;
  },
): AuditEntry {
  const { action, mailbox, delegate, onBehalf = null, detail } = line;
  const json = detail === undefined ? null : JSON.stringify(detail);
  return { at, actor: 'mandat', reason: null, action, mailbox, delegate, detail: json, on_behalf: onBehalf, via: null };
}

/** Makes the key when there is none, with the head of a trail without entries. Whoever has it could forge a trail: 0600. */
export function sealKey(file: string): Buffer {
  return guarded(file, { what: "the audit trail's key" }, () => {
    if (!existsSync(file)) {
      const made = makeWhole(file, (draft) => {
        writeFileSync(draft, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
      });
      if (made) writeHead(headFileOf(file), readKey(file), NO_HEAD);
    }
    return readKey(file);
  });
}

/** The same, but fails `config` where the trail has been sealed with a key that isn't there any more. */
export async function sealKeyOf(file: string, state: Pick<StateDb, 'query'>): Promise<Buffer> {
  // In PostgreSQL several machines seal one trail.
  const known = onPostgres(state.query) ? await fact(state, 'seal-key') : undefined;
  const end = await auditHead(state);
  const mark = await fact(state, 'audit-head');
  if (existsSync(file) || (end === undefined && mark === undefined && known === undefined)) {
    const key = sealKey(file);
    if (onPostgres(state.query)) await agreeOn(state, key, file, known);
    return key;
  }
  throw new Failure(
    'config',
    `${file} is gone, and the audit trail${end === undefined ? '' : ` (up to entry ${end.id})`} was sealed with it: with another key it can't be proven any more`,
    'put seal.key and seal.head back from the backup; if there is none: "mandat audit export" first, then "mandat init --new-seal-key", which prunes what can\'t be proven and says so in the trail',
    { rule: 'MANDAT_SEAL_KEY' },
  );
}

/** One key for one trail, on whichever machine. Fails `config` where this machine has another. */
export async function agreeOn(
  state: Pick<StateDb, 'query'>,
  key: Buffer,
  file: string,
  known: string | undefined,
): Promise<void> {
  if (known === undefined) return setFact(state, 'seal-key', digestOf(key));
  if (known !== digestOf(key)) throw otherSealKey(file);
}

/** By which a key is known that is not told. */
export const digestOf = (key: Buffer): string => mac(key, 'seal key');

/** `place`: for people. */
export function otherSealKey(file: string, place = 'this database'): Failure {
  return new Failure(
    'config',
    `${place} is not this site's: ${file} is not the key that its audit trail is sealed with, and the machines of a site have the same. Nothing of it is shown, obeyed or written`,
    'see where "database" leads. If it is this site\'s all the same: copy seal.key from the private directory of another of its machines, in its place and with its owner and mode, and remove the seal.head that was made with the other key; then "mandat init"',
    { rule: 'MANDAT_SEAL_KEY' },
  );
}

/** Notes where the trail ends now, beside the key. Not where there is no such file: `mandat init` makes it, so that one that was taken away is missed. */
export async function keepHead(sealKeyFile: string, key: Buffer, state: Pick<StateDb, 'query'>): Promise<void> {
  const file = headFileOf(sealKeyFile);
  const kept = readHead(file, key);
  const head = (await auditHead(state)) ?? NO_HEAD;
  if (kept.kind !== 'kept' || kept.head.id >= head.id) return;
  if (!(await goesOnFrom(kept.head, state))) return;
  await bringToDisk(state, head);
  writeHead(file, key, head);
}

/**
 * Before an end of the trail is told anywhere else: entries may have been sealed without waiting for the disk (take-over-events.ts), and a commit that
 * waits, as those on this connection do, brings all before it there. Else a power cut would look as if somebody had cut the trail.
 */
export async function bringToDisk(state: Pick<StateDb, 'query'>, { id }: AuditHead): Promise<void> {
  await setFact(state, 'head-told', String(id));
}

/** Else something was taken out of it, and what is kept must go on telling. */
export async function goesOnFrom({ id, seal: sealed }: AuditHead, { query }: Pick<StateDb, 'query'>): Promise<boolean> {
  if (id === 0) return true;
  const entry = await query.selectFrom('audit').select('seal').where('id', '=', id).executeTakeFirst();
  if (entry !== undefined) return entry.seal === sealed;
  const pruned = await query
    .selectFrom('audit_checkpoints')
    .select('last_id')
    .where('last_id', '>=', id)
    .executeTakeFirst();
  return pruned !== undefined;
}

/** The key that is there. Checking a trail makes none. */
export function existingSealKey(file: string): Buffer {
  return guarded(file, { what: "the audit trail's key" }, () => readKey(file));
}

function readKey(file: string): Buffer {
  refuseLink(file);
  const text = readFileSync(file, 'utf8').trim();
  // What isn't hexadecimal would be read as an empty key, with which anybody could seal.
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new Failure('config', `${file} is no key of 64 hexadecimal digits`, 'restore it from the backup');
  }
  return Buffer.from(text, 'hex');
}

/**
 * HMAC-SHA-256 over a JSON array without spaces: the seal before, then the entry's fields in their order. What came later is left out where
 * it is null (`claimed`; then on_behalf and via, where both are), as in the trails of before there was any.
 */
export function seal(key: Buffer, previous: string, entry: AuditEntry): string {
  const { at, actor, reason, action, mailbox, delegate, detail, on_behalf, via, claimed = null } = entry;
  const acting = on_behalf === null && via === null && claimed === null ? [] : [on_behalf, via];
  if (claimed !== null) acting.push(claimed);
  return mac(key, JSON.stringify([previous, at, actor, reason, action, mailbox, delegate, detail, ...acting]));
}

export async function appendAudit(state: StateDb, key: Buffer, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length > 0) await state.write((query) => append({ query }, key, entries));
}

/** In a transaction that the caller has open. `enough` is asked after each entry. Returns how many were appended, at least one. */
export async function append(
  { query }: Pick<StateDb, 'query'>,
  key: Buffer,
  entries: readonly AuditEntry[],
  enough: () => boolean = () => false,
): Promise<number> {
  let previous = (await auditHead({ query }))?.seal ?? '';
  let appended = 0;
  for (const given of entries) {
    const entry = only(given);
    previous = seal(key, previous, entry);
    await query
      .insertInto('audit')
      .values({ ...entry, seal: previous })
      .execute();
    appended++;
    if (enough()) break;
  }
  await setFact({ query }, 'audit-head', headMark(key, previous));
  return appended;
}

/** The fields of an entry without what else may stand in its row. */
function only({ at, actor, reason, action, mailbox, delegate, detail, on_behalf, via, claimed }: AuditEntry) {
  return { at, actor, reason, action, mailbox, delegate, detail, on_behalf, via, claimed: claimed ?? null };
}

/** Where the trail ends: its last entry or, where all of them were pruned, the last that was. */
export async function auditHead({ query }: Pick<StateDb, 'query'>): Promise<AuditHead | undefined> {
  const last = await query.selectFrom('audit').select(['id', 'seal']).orderBy('id', 'desc').limit(1).executeTakeFirst();
  if (last !== undefined) return last;
  return query
    .selectFrom('audit_checkpoints')
    .select(['last_id as id', 'last_seal as seal'])
    .orderBy('last_id', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Entries taken off the end leave a chain that holds; what the last seal was, they can't take along without the key. */
export function headMark(key: Buffer, last: string): string {
  return mac(key, `head ${last}`);
}

/** How far something has come: the fact that says so, and what it says. */
export interface Mark {
  readonly name: SiteFact;
  readonly value: string | undefined;
}

/**
 * Seals as many of the entries as a portion has time for, and with them notes how far it has come, as `mark` says it of the last one.
 * Returns how many. Nothing is sealed, and undefined returned, where somebody else has come further than `from` meanwhile: a process that was stopped
 * after it read these, and that another has stood in for.
 */
export async function sealPortion<Entry extends AuditEntry>(
  state: StateDb,
  key: Buffer,
  entries: readonly Entry[],
  from: Mark,
  mark: (last: Entry) => string,
  /** In the same transaction, with what was sealed. */
  then: (query: Pick<StateDb, 'query'>, sealed: readonly Entry[]) => Promise<void> = async () => {},
): Promise<number | undefined> {
  if (entries.length === 0) return 0;
  return state.write(async (query) => {
    if ((await fact({ query }, from.name)) !== from.value) return undefined;
    const count = await append({ query }, key, entries, portion());
    const last = entries[count - 1];
    if (last !== undefined) await setFact({ query }, from.name, mark(last));
    await then({ query }, entries.slice(0, count));
    return count;
  });
}
