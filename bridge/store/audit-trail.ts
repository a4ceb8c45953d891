/** Reading the audit trail: what is sealed, and after it what the sidecar hasn't taken over yet. */
import type { Instant } from '../../acl/policy.ts';
import { openStanding, type Standing } from '../../acl/standing.ts';
import { Failure } from '../failure.ts';
import { type AuditEntry, ENTRY } from './audit.ts';
import { lastCheckpoint } from './audit-prune.ts';
import type { DelegationDb } from './delegation-db.ts';
import type { StateDb } from './state-db.ts';

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

export async function readAudit(
  state: StateDb,
  table: DelegationDb,
  filter: AuditFilter,
  /** What the submission filter has noted since. */
  submissions: readonly AuditEntry[] = [],
): Promise<readonly AuditRecord[]> {
  let select = state.query.selectFrom('audit').select(ENTRY).orderBy('id', 'desc').limit(filter.limit);
  if (filter.mailbox !== undefined) select = select.where('mailbox', '=', filter.mailbox);
  if (filter.delegate !== undefined) select = select.where('delegate', '=', filter.delegate);
  if (filter.since !== undefined) select = select.where('at', '>=', filter.since);
  const sealed = (await select.execute()).reverse().map((entry) => ({ ...entry, sealed: true }));
  const events = await table.query.selectFrom('events').select(ENTRY).orderBy('id').execute();
  const fresh = [...events, ...submissions]
    .filter((one) => matches(one, filter))
    .sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0))
    .map((entry) => ({ ...entry, sealed: false }));
  return [...sealed, ...fresh].slice(-filter.limit);
}

function matches(entry: AuditEntry, { mailbox, delegate, since }: AuditFilter): boolean {
  return (
    (mailbox === undefined || entry.mailbox === mailbox) &&
    (delegate === undefined || entry.delegate === delegate) &&
    (since === undefined || entry.at >= since)
  );
}

export interface SealedEntry extends AuditEntry {
  readonly id: number;
  readonly seal: string;
}

/** What is sealed, one after the other, from `since` on and up to `until`, itself left out. */
export async function* sealedEntries(
  state: StateDb,
  { since, until }: { readonly since?: Instant | undefined; readonly until?: Instant | undefined },
): AsyncGenerator<SealedEntry> {
  let select = state.query
    .selectFrom('audit')
    .select(['id', ...ENTRY, 'seal'])
    .orderBy('id');
  if (since !== undefined) select = select.where('at', '>=', since);
  if (until !== undefined) select = select.where('at', '<', until);
  yield* select.stream();
}

/**
 * Who had what at an instant, by the trail. Fails `absent` where it doesn't reach back so far: before the first entry, or before the last
 * that was pruned.
 */
export async function standingAt(state: StateDb, table: DelegationDb, at: Instant): Promise<Standing> {
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
  for (const event of await table.query.selectFrom('events').select(ENTRY).orderBy('id').execute()) {
    if (event.at <= at) standing.take(event);
  }
  return standing.now();
}

async function firstEntry(state: StateDb, table: DelegationDb): Promise<Instant | undefined> {
  const sealed = await state.query.selectFrom('audit').select('at').orderBy('id').limit(1).executeTakeFirst();
  return (sealed ?? (await table.query.selectFrom('events').select('at').orderBy('id').limit(1).executeTakeFirst()))
    ?.at;
}
