/**
 * After a take-over from a sidecar that was silent, something of it may still reach a server: what had left it and was held up in a network, or lay in
 * a process that was stopped just there. It can only harm where the mailbox has changed since. So those are looked at once more when the longest command
 * would be over; and in every pass over them an entry just as mandat writes them, of somebody who has left since, is taken for what it is: mandat's own.
 */
import type { Instant } from '../../acl/delegation-facts.ts';
import { PATIENCE } from '../imap/answer-bounds.ts';
import { giveBack, PORTION_ROWS } from '../shared/portions.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';

/** How long a command of the one before may go on at most, in milliseconds. */
export const longestCommand = (timeoutSeconds: number): number => timeoutSeconds * 1000 * PATIENCE;

/** Mailboxes in which anybody has come or gone since: their ids, in portions. */
export async function* changedSinceTakeOver(
  table: DelegationDb,
  state: StateDb,
  since: Instant,
): AsyncGenerator<readonly number[]> {
  for (let after = ''; ; ) {
    const rows = await state.query
      .selectFrom('audit')
      .select('mailbox')
      .distinct()
      .where('at', '>=', since)
      .where('action', 'in', ['in-force', 'withdrawn', 'ended'])
      .where('mailbox', '>', after)
      .orderBy('mailbox')
      .limit(PORTION_ROWS)
      .execute();
    const addresses = rows.flatMap(({ mailbox }) => mailbox ?? []);
    const there = await table.query
      .selectFrom('mailboxes')
      .select('id')
      .where('address', 'in', addresses)
      .where('server', '=', table.server)
      .execute();
    if (there.length > 0) yield there.map(({ id }) => id);
    if (rows.length < PORTION_ROWS) return;
    after = addresses.at(-1) ?? after;
    await giveBack();
  }
}

/** Logins of who has left this mailbox since. */
export async function leftSinceTakeOver(
  table: DelegationDb,
  state: StateDb,
  mailboxId: number,
  since: Instant,
): Promise<ReadonlySet<string>> {
  const mailbox = await table.query
    .selectFrom('mailboxes')
    .select('address')
    .where('id', '=', mailboxId)
    .executeTakeFirst();
  if (mailbox === undefined) return new Set();
  const left = await state.query
    .selectFrom('audit')
    .select('delegate')
    .distinct()
    .where('mailbox', '=', mailbox.address)
    .where('at', '>=', since)
    .where('action', '=', 'ended')
    .execute();
  const identifiers = left.flatMap(({ delegate }) => delegate ?? []);
  if (identifiers.length === 0) return new Set();
  const known = await table.query
    .selectFrom('delegates')
    .select('login')
    .where('identifier', 'in', identifiers)
    .execute();
  return new Set([...identifiers, ...known.map(({ login }) => login)]); // of whom nobody knows any more, the identifier was the login or is nobody's
}
