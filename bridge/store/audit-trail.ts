/** Reading the audit trail: what is sealed, and after it what the sidecar hasn't taken over yet. */
import type { Instant } from '../../acl/policy.ts';
import type { AuditEntry } from './audit.ts';
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
  let select = state.query
    .selectFrom('audit')
    .select(['at', 'actor', 'reason', 'action', 'mailbox', 'delegate', 'detail'])
    .orderBy('id', 'desc')
    .limit(filter.limit);
  if (filter.mailbox !== undefined) select = select.where('mailbox', '=', filter.mailbox);
  if (filter.delegate !== undefined) select = select.where('delegate', '=', filter.delegate);
  if (filter.since !== undefined) select = select.where('at', '>=', filter.since);
  const sealed = (await select.execute()).reverse().map((entry) => ({ ...entry, sealed: true }));
  const events = await table.query
    .selectFrom('events')
    .select(['at', 'actor', 'reason', 'action', 'mailbox', 'delegate', 'detail'])
    .orderBy('id')
    .execute();
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
