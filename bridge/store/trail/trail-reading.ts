/** Reading the audit trail: what is sealed, and after it what the sidecar hasn't taken over yet. */

import { openStanding, type Standing } from '../../../acl/access-history.ts';
import type { Instant } from '../../../acl/delegation-facts.ts';
import { Failure } from '../../shared/failure.ts';
import { PORTION_ROWS } from '../../shared/portions.ts';
import { fact } from '../state/facts.ts';
import type { StateDb } from '../state/state-db.ts';
import type { DelegationDb } from '../table/delegation-db.ts';
import { isVouched } from '../table/vouched-events.ts';
import { type AuditEntry, ENTRY } from './sealing.ts';
import { lastCheckpoint, prunedUpTo } from './trail-pruning.ts';

export interface AuditRecord extends AuditEntry {
  /** False while it still stands in the delegation table. */
  readonly sealed: boolean;
}

export interface AuditFilter {
  readonly mailbox?: string | undefined;
  readonly delegate?: string | undefined;
  readonly since?: Instant | undefined;
  /** How many of the last. */
  readonly limit: number;
}

/** What the submission filter has noted since the sidecar last took from it: the last that match, of which file. */
export interface Noted {
  readonly epoch: string;
  readonly events: readonly (AuditEntry & { readonly id: number })[];
}

/**
 * Reads what it returns, from each place no more than `limit`. What waits is read before what is sealed, so that nothing is missing that the
 * sidecar seals meanwhile; what it has sealed and not yet taken away stands there once.
 */
export async function readAudit(
  state: StateDb,
  table: DelegationDb,
  filter: AuditFilter,
  submissions: Noted = { epoch: '', events: [] },
  /** Of the seals: tells what mandat's commands noted from what only claims to be so. Undefined: it isn't told. */
  key?: Buffer,
): Promise<readonly AuditRecord[]> {
  const { mailbox, delegate, since, limit } = filter;
  let waiting = table.query
    .selectFrom('events')
    .select(['id', 'mac', ...ENTRY])
    .limit(limit);
  if (mailbox !== undefined) waiting = waiting.where('mailbox', '=', mailbox);
  if (delegate !== undefined) waiting = waiting.where('delegate', '=', delegate);
  if (since !== undefined) waiting = waiting.where('at', '>=', since);
  // In the order of the index that finds them.
  const filtered = mailbox !== undefined || delegate !== undefined || since !== undefined;
  if (filtered) waiting = waiting.orderBy('at', 'desc');
  const events = [...(await waiting.orderBy('id', 'desc').execute())].reverse();
  let select = state.query
    .selectFrom('audit')
    .select(['id', 'claimed', ...ENTRY])
    .where('id', '>', await prunedUpTo(state))
    .limit(limit);
  if (mailbox !== undefined) select = select.where('mailbox', '=', mailbox);
  if (delegate !== undefined) select = select.where('delegate', '=', delegate);
  if (since !== undefined) select = select.where('at', '>=', since);
  if (filtered) select = select.orderBy('at', 'desc');
  const { found, drained, noted } = await asOf(state, () => select.orderBy('id', 'desc').execute());
  const sealed = [...found]
    .sort((one, other) => one.id - other.id)
    .map(({ id: _, ...entry }) => ({ ...entry, sealed: true }));
  const [epoch, last] = noted.split(' ');
  const fresh = [
    ...events
      .filter(({ id }) => id > Number(drained))
      .map((event) => {
        const { mac: _, ...entry } = event;
        return { ...entry, claimed: key === undefined || isVouched(key, event) ? null : 'event' };
      }),
    ...submissions.events.filter(({ id }) => epoch !== submissions.epoch || id > Number(last)),
  ]
    .sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0))
    .map(({ id: _, ...entry }) => ({ ...entry, sealed: false }));
  return [...sealed, ...fresh].slice(-limit);
}

/** What is sealed, and up to which events it is: read again while the sidecar seals. */
async function asOf<T>(state: StateDb, read: () => Promise<T>) {
  const marks = async () => ({
    drained: (await fact(state, 'drained')) ?? '0',
    noted: (await fact(state, 'submissions-drained')) ?? '',
  });
  for (let tries = MOST_READINGS; ; tries--) {
    const before = await marks();
    const found = await read();
    const after = await marks();
    if (tries === 0 || (before.drained === after.drained && before.noted === after.noted)) return { found, ...before };
  }
}

/** While many events are sealed in portions; then one may stand there twice, and none is missing. */
const MOST_READINGS = 20;

export interface SealedEntry extends AuditEntry {
  readonly id: number;
  readonly seal: string;
}

/**
 * What is sealed, one after the other, from `since` on and up to `until`, itself left out. In pages: whoever takes their time with what they get
 * (a pager, say) keeps no reader open, on whose account the log of writes would only grow.
 */
export async function* sealedEntries(
  state: Pick<StateDb, 'query'>,
  { since, until }: { readonly since?: Instant | undefined; readonly until?: Instant | undefined },
): AsyncGenerator<SealedEntry> {
  for (let from = await prunedUpTo(state); ; ) {
    let select = state.query
      .selectFrom('audit')
      .select(['id', 'claimed', ...ENTRY, 'seal'])
      .where('id', '>', from)
      .orderBy('id')
      .limit(PORTION_ROWS);
    if (since !== undefined) select = select.where('at', '>=', since);
    if (until !== undefined) select = select.where('at', '<', until);
    const page = await select.execute();
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PORTION_ROWS) return;
    from = last.id;
  }
}

/**
 * Who had what at an instant, by the trail. Fails `absent` where it doesn't reach back so far: before the first entry, or before the last
 * that was pruned.
 */
export async function standingAt(state: StateDb, table: DelegationDb, at: Instant, key?: Buffer): Promise<Standing> {
  const checkpoint = await lastCheckpoint(state);
  const begins = checkpoint?.lastAt ?? (await firstEntry(state, table));
  if (begins === undefined || at < begins) {
    throw new Failure(
      'absent',
      `the audit trail doesn't reach back to ${at}: ${begins === undefined ? 'it is empty' : `it begins at ${begins}`}`,
      checkpoint === undefined
        ? ''
        : 'what was before has been pruned: [audit] retention_days; look into an export of that time',
    );
  }
  const standing = openStanding(checkpoint?.standing);
  for await (const entry of sealedEntries(state, {})) if (entry.at <= at) standing.take(entry);
  const events = table.query.selectFrom('events').select(['id', 'mac', ...ENTRY]);
  for (const event of await events.orderBy('id').execute()) {
    if (event.at <= at && (key === undefined || isVouched(key, event))) standing.take(event); // the others are judged when they are taken over
  }
  return standing.now();
}

async function firstEntry(state: StateDb, table: DelegationDb): Promise<Instant | undefined> {
  const entries = state.query
    .selectFrom('audit')
    .select('at')
    .where('id', '>', await prunedUpTo(state));
  const sealed = await entries.orderBy('id').limit(1).executeTakeFirst();
  return (sealed ?? (await table.query.selectFrom('events').select('at').orderBy('id').limit(1).executeTakeFirst()))
    ?.at;
}
