/**
 * What an event of the shared table is worth: whether our own command vouches for it, whether the row that it speaks of has really come, gone
 * or changed, or whether nothing was seen of it. R3.
 */
import { detailOf } from '../../../acl/access-history.ts';
import { textsOf } from '../dialect.ts';
import type { StateDb } from '../state/state-db.ts';
import { keyOf, type Reading, type Row, rowsOf, type Seen, seenOf } from './rows-seen.ts';
import type { AuditEntry } from './sealing.ts';

export interface Judged {
  readonly claimed: 'actor' | 'event' | null;
  readonly seen: readonly Seen[];
}

export type Judge = (event: AuditEntry, vouched: boolean) => Judged;

/** Of these events, in their order, in the same snapshot of the table. `first`: {@link isFirstLook}; then rows prove nothing. */
export async function judgeOf(
  query: Reading,
  state: StateDb,
  events: readonly AuditEntry[],
  first: boolean,
): Promise<Judge> {
  const names = await namesIn(query, state, events);
  const overlay = new Map<string, Row | null>();
  return (event, vouched) => {
    const { action } = event;
    if (first) return { claimed: vouched ? null : 'actor', seen: [] };
    if (action === 'mailbox-set' || action === 'delegate-set') {
      return { claimed: vouched ? null : names.renamed(event) ? 'actor' : 'event', seen: [] };
    }
    const ids = names.idsOf(event);
    if (!['grant', 'revoke', 'change'].includes(action) || ids === undefined)
      return { claimed: vouched ? null : 'event', seen: [] };
    const key = `${ids.mailboxId}/${ids.delegateId}`;
    const now = names.now.get(key);
    const before = overlay.has(key) ? (overlay.get(key) ?? undefined) : names.before.get(key);
    const same = before !== undefined && now?.delegationId === before.delegationId;
    const happened =
      action === 'grant'
        ? before === undefined && now !== undefined
        : action === 'revoke'
          ? before !== undefined && !same
          : same && now?.terms !== before.terms;
    if (!vouched && !happened) return { claimed: 'event', seen: [] };
    // A vouched grant whose row is gone again waits for the event of that.
    const row = action === 'revoke' ? null : (now ?? before ?? { ...ids, ...GONE });
    overlay.set(key, row);
    return { claimed: vouched ? null : 'actor', seen: [{ ...ids, row }] };
  };
}

const GONE = { delegationId: 0, mailbox: '', delegate: '', terms: '' };

/** What the names in events stand for, as the table has them now, else as they were last seen; and the rows of these pairs, now and before. */
async function namesIn(query: Reading, state: StateDb, events: readonly AuditEntry[]) {
  const those = events.filter(({ action }) => ACTIONS.includes(action));
  const olds = those.flatMap(({ detail }) => Object.values(detailOf(detail)).filter((one) => typeof one === 'string'));
  const mailboxNames = [...new Set([...those.map(({ mailbox }) => mailbox ?? ''), ...olds])];
  const delegateNames = [...new Set([...those.map(({ delegate }) => delegate ?? ''), ...olds])];
  const seen = await state.query
    .selectFrom('rows_seen')
    .select(['mailbox', 'mailbox_id', 'delegate', 'delegate_id'])
    .where(({ or, eb }) =>
      or([
        eb('mailbox', 'in', textsOf(state.query, mailboxNames)),
        eb('delegate', 'in', textsOf(state.query, delegateNames)),
      ]),
    )
    .execute();
  const mailboxes = await query
    .selectFrom('mailboxes')
    .select(['id', 'address as name'])
    .where('address', 'in', textsOf(query, mailboxNames))
    .execute();
  const delegates = await query
    .selectFrom('delegates')
    .select(['id', 'identifier as name'])
    .where('identifier', 'in', textsOf(query, delegateNames))
    .execute();
  const before = {
    mailboxes: new Map(seen.map((row) => [row.mailbox, row.mailbox_id])),
    delegates: new Map(seen.map((row) => [row.delegate, row.delegate_id])),
  };
  const now = {
    mailboxes: new Map(mailboxes.map(({ name, id }) => [name, id])),
    delegates: new Map(delegates.map(({ name, id }) => [name, id])),
  };
  const ids = [...new Set([...before.mailboxes.values(), ...now.mailboxes.values()])];
  const index = (rows: readonly Row[]) => new Map(rows.map((row) => [keyOf(row), row]));
  const renames = { mailboxes: new Map<string, string>(), delegates: new Map<string, string>() };
  for (const { action, mailbox, delegate, detail } of those) {
    const { address, identifier } = detailOf(detail);
    if (action === 'mailbox-set' && typeof address === 'string') renames.mailboxes.set(address, mailbox ?? '');
    if (action === 'delegate-set' && typeof identifier === 'string') renames.delegates.set(identifier, delegate ?? '');
  }
  /** One that got its name and lost it between two looks is found under the next. */
  const idOf = (what: 'mailboxes' | 'delegates', name: string): number | undefined => {
    const tried = new Set<string>();
    for (let one: string | undefined = name; one !== undefined && !tried.has(one); one = renames[what].get(one)) {
      const id = now[what].get(one) ?? before[what].get(one);
      if (id !== undefined) return id;
      tried.add(one);
    }
    return undefined;
  };
  return {
    before: index(await seenOf(state, ids)),
    now: index(await rowsOf(query, ids)),
    idsOf: ({ mailbox, delegate }: AuditEntry) => {
      const mailboxId = idOf('mailboxes', mailbox ?? '');
      const delegateId = idOf('delegates', delegate ?? '');
      return mailboxId === undefined || delegateId === undefined ? undefined : { mailboxId, delegateId };
    },
    /** Whether somebody who was seen under the old name has the new one now. */
    renamed: ({ action, mailbox, delegate, detail }: AuditEntry) => {
      const { address, identifier } = detailOf(detail);
      const what = action === 'mailbox-set' ? 'mailboxes' : 'delegates';
      const [old, name] = action === 'mailbox-set' ? [address, mailbox] : [identifier, delegate];
      if (typeof old !== 'string' || now[what].has(old)) return false;
      const id = idOf(what, old);
      return id !== undefined && idOf(what, name ?? '') === id;
    },
  };
}

const ACTIONS = ['grant', 'revoke', 'change', 'mailbox-set', 'delegate-set'];
