/** Rows that have changed since they were last seen without an event that says so: in the trail, by nobody knows whom. R3. */
import { type GiveWay, giveBack, portions } from '../../shared/portions.ts';
import { fact, setFact } from '../state/facts.ts';
import type { StateDb } from '../state/state-db.ts';
import type { DelegationDb } from '../table/delegation-db.ts';
import { isFirstLook, keyOf, noteSeen, type Row, rowsOf, type Seen, seenOf } from './rows-seen.ts';
import { type AuditEntry, append } from './sealing.ts';

/** Said of what no event tells of. */
export const BY_NOBODY_KNOWN = 'seen by the sidecar, by whom is not known';

/**
 * Compares the rows of these mailboxes with what was last seen of them, once every event has been taken over. Returns false where some wait:
 * it is for another time then.
 */
export async function compareRows(
  table: DelegationDb,
  state: StateDb,
  key: Buffer,
  mailboxIds: readonly number[],
  now: string,
  giveWay: GiveWay = giveBack,
): Promise<boolean> {
  const first = await isFirstLook(state);
  for await (const some of first ? everyRow(table) : portions(mailboxIds)) {
    const drained = Number((await fact(state, 'drained')) ?? 0);
    const rows = await table.read(async (query) => {
      const waiting = await query
        .selectFrom('events')
        .select('id')
        .where('id', '>', drained)
        .limit(1)
        .executeTakeFirst();
      return waiting === undefined ? rowsOf(query, some) : undefined;
    });
    if (rows === undefined) return false;
    await notePortion(state, key, some, rows, now, first);
    if (!(await giveWay())) return false;
  }
  if (first) await setFact(state, 'rows-seen', 'yes');
  return true;
}

async function notePortion(
  state: StateDb,
  key: Buffer,
  mailboxIds: readonly number[],
  rows: readonly Row[],
  at: string,
  first: boolean,
): Promise<void> {
  const before = await seenOf(state, mailboxIds);
  const there = new Map(rows.map((row) => [keyOf(row), row]));
  const entries: AuditEntry[] = [];
  const seen: Seen[] = [];
  const say = (action: string, { mailbox, delegate }: Row, detail: object) =>
    entries.push({
      at,
      actor: 'unknown',
      reason: BY_NOBODY_KNOWN,
      action,
      mailbox,
      delegate,
      detail: JSON.stringify(detail),
      on_behalf: null,
      via: null,
    });
  for (const row of before) {
    const now = there.get(keyOf(row));
    if (now?.delegationId === row.delegationId) continue;
    if (row.mailbox !== '') say('revoke', row, {});
    if (now === undefined) seen.push({ ...row, row: null });
  }
  const known = new Map(before.map((row) => [keyOf(row), row]));
  for (const row of rows) {
    const was = known.get(keyOf(row));
    const same = was?.delegationId === row.delegationId;
    if (same && was.terms === row.terms && was.mailbox === row.mailbox && was.delegate === row.delegate) continue;
    if (!same) say('grant', row, JSON.parse(row.terms) as object);
    else if (was.terms !== row.terms) say('change', row, JSON.parse(row.terms) as object);
    seen.push({ ...row, row });
  }
  if (seen.length === 0) return;
  await state.write(async (query) => {
    if (!first && entries.length > 0) await append({ query }, key, entries);
    await noteSeen({ query }, seen);
  });
}

/** Mailboxes that have any, so many at a time. */
async function* everyRow(table: DelegationDb): AsyncGenerator<readonly number[]> {
  for (let after = 0; ; ) {
    const rows = await table.query
      .selectFrom('delegations')
      .select('mailbox_id')
      .distinct()
      .where('mailbox_id', '>', after)
      .orderBy('mailbox_id')
      .limit(AT_ONCE)
      .execute();
    if (rows.length > 0) yield rows.map(({ mailbox_id }) => mailbox_id);
    after = rows.at(-1)?.mailbox_id ?? after;
    if (rows.length < AT_ONCE) return;
  }
}

const AT_ONCE = 50;
