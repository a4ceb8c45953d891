/** Who did what, when, and what came of it: the trail of one mailbox, or as much of it as an administrator asks for. R3, R4. */
import { detailOf } from '../../acl/access-history.ts';
import { Failure } from '../shared/failure.ts';
import { vouchingKey } from '../store/table/vouched-events.ts';
import { type AuditFilter, type AuditRecord, readAudit } from '../store/trail/trail-reading.ts';
import { mayDelegate } from './permitted.ts';
import type { Acting } from './site.ts';

/** The last of the trail that match, in their order. Whoever isn't an admin names a mailbox of theirs. Fails `refused` else. */
export async function trailOf(acting: Acting, filter: AuditFilter): Promise<readonly AuditRecord[]> {
  const { actor } = acting;
  if (actor.kind !== 'admin') {
    const { mailbox } = filter;
    if (mailbox === undefined)
      throw new Failure('refused', 'the whole trail is for administrators', '', { rule: 'MANDAT_ACTOR' });
    await acting.table((db) => mayDelegate(acting, db, [mailbox]));
  }
  const submissions = await acting.submissions(async (store) => ({
    epoch: store.epoch,
    events: await store.lastEvents(filter),
  }));
  return acting.table((db) =>
    acting.state((state) => readAudit(state, db, filter, submissions, vouchingKey(acting.files.sealKey))),
  );
}

/** An entry as pages show it: the detail as facts. */
export interface HistoryEntry {
  readonly at: string;
  /** `owner:ID`, `admin:NAME`, `mandat`, ... */
  readonly actor: string;
  /** For whom an administrator did it. */
  readonly onBehalf: string | null;
  /** At whose keyboard, or in which session of the portal. */
  readonly via: string | null;
  /** What was done, a code of docs/reference/codes.md. */
  readonly action: string;
  readonly mailbox: string | null;
  readonly delegate: string | null;
  readonly reason: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  /** False: it waits to be sealed. */
  readonly sealed: boolean;
  /** Somebody else's word, not seen by mandat. */
  readonly claimed: boolean;
}

export const MOST_HISTORY = 1000;

/** `until`: up to this instant, itself included, so that pages of it stay what they were while it grows. */
export async function historyOf(
  acting: Acting,
  { until, ...filter }: AuditFilter & { readonly until?: string | undefined },
): Promise<readonly HistoryEntry[]> {
  const all = await trailOf(acting, { ...filter, limit: Math.min(filter.limit, MOST_HISTORY) });
  const records = until === undefined ? all : all.filter(({ at }) => at <= until);
  return records.map(({ at, actor, on_behalf, via, action, mailbox, delegate, reason, detail, sealed, claimed }) => ({
    at,
    actor,
    onBehalf: on_behalf,
    via,
    action,
    mailbox,
    delegate,
    reason,
    detail: detailOf(detail),
    sealed,
    claimed: claimed != null,
  }));
}

/** Of one mailbox; the last first, as a page shows it. */
export async function mailboxHistory(acting: Acting, mailbox: string, limit = 200): Promise<readonly HistoryEntry[]> {
  return [...(await historyOf(acting, { mailbox, limit }))].reverse();
}
