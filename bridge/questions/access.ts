/**
 * Who has access to a mailbox, and who may send for it: now, by the table, the ledger and the published sender rules; at an instant of the
 * past, by the audit trail. R3, R47.
 */

import type { Instant } from '../../acl/delegation-facts.ts';
import type { Policy } from '../../acl/desired.ts';
import { describeNotInForce, verdict } from '../../acl/policy.ts';
import { inEffect } from '../safeguards/withdrawn.ts';
import { pairsOf } from '../store/state/ledger-pairs.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { type Called, peopleCalled } from '../store/table/delegates.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { listDelegations } from '../store/table/delegation-list.ts';
import { standingAt } from '../store/trail/trail-reading.ts';

export interface Access {
  readonly mailbox: string;
  /** By identifier. */
  readonly delegate: string;
  /** Null of somebody who is gone. */
  readonly login: string | null;
  readonly firstName: string | null;
  readonly lastName: string | null;
  /** Since when the row is there; null where it is gone. */
  readonly delegated: Instant | null;
  /** Since when they get in; null where they don't. */
  readonly access: Instant | null;
  readonly sends: readonly string[];
  /** Why they don't get in although the row is there; null of the past, where only what was is told. */
  readonly why: string | null;
}

export interface AccessQuestion {
  readonly mailbox?: string | undefined;
  readonly delegate?: string | undefined;
}

/** `rules`: the published sender rules of a mailbox. */
export async function accessNow(
  table: DelegationDb,
  state: StateDb,
  about: AccessQuestion,
  policy: Policy,
  rules: (mailboxId: number) => readonly { readonly address: string; readonly login: string }[],
  now: Instant,
): Promise<readonly Access[]> {
  const rows = await listDelegations(table, about);
  const ids = new Set(rows.map(({ mailboxId }) => mailboxId));
  for (const id of await inTheLedger(table, state, about)) ids.add(id);
  const { rules: conditions } = await inEffect(policy, state);
  const found: Access[] = [];
  for (const id of ids) {
    const pairs = await pairsOf(state, id, null);
    const published = rules(id);
    const sends = (login: string) => published.filter((rule) => rule.login === login).map(({ address }) => address);
    const inside = (login: string) =>
      pairs.find((pair) => pair.login === login && pair.phase !== 'granting' && pair.phase !== 'revoking');
    const here = rows.filter(({ mailboxId }) => mailboxId === id);
    for (const row of here) {
      const { identifier, login, firstName, lastName } = row.delegate;
      const judged = verdict(row, conditions, now);
      found.push({
        mailbox: row.mailbox.address,
        delegate: identifier,
        login,
        firstName,
        lastName,
        delegated: row.createdAt,
        access: inside(login)?.inForceAt ?? null,
        sends: sends(login),
        why: judged.inForce ? null : describeNotInForce(judged.why),
      });
    }
    for (const pair of pairs) {
      const delegate = pair.identifier ?? pair.login;
      if (here.some((row) => row.delegate.login === pair.login)) continue;
      if (about.delegate !== undefined && about.delegate !== delegate) continue;
      found.push({
        mailbox: pair.address,
        delegate,
        login: pair.login,
        firstName: null,
        lastName: null,
        delegated: null,
        access: inside(pair.login)?.inForceAt ?? null,
        sends: sends(pair.login),
        why: 'the delegation has ended, and what they had is being taken back',
      });
    }
  }
  return found;
}

/** Mailboxes of which something stands on the server although the row may be gone. */
async function inTheLedger(
  table: DelegationDb,
  state: StateDb,
  { mailbox, delegate }: AccessQuestion,
): Promise<readonly number[]> {
  let select = state.query.selectFrom('ledger').select('mailbox_id').distinct();
  if (mailbox !== undefined) {
    const row = await table.query
      .selectFrom('mailboxes')
      .select('id')
      .where('address', '=', mailbox)
      .executeTakeFirst();
    select = row === undefined ? select.where('address', '=', mailbox) : select.where('mailbox_id', '=', row.id);
  }
  if (delegate !== undefined) select = select.where('identifier', '=', delegate);
  return (await select.execute()).map(({ mailbox_id }) => mailbox_id);
}

/** Fails `absent` where the trail doesn't reach back so far. */
export async function accessAt(
  table: DelegationDb,
  state: StateDb,
  { mailbox, delegate }: AccessQuestion,
  at: Instant,
  key?: Buffer,
): Promise<readonly Access[]> {
  const standing = await standingAt(state, table, at, key);
  const people = await peopleCalled(
    table,
    Object.values(standing).flatMap((stands) => Object.keys(stands)),
  );
  return Object.entries(standing).flatMap(([address, stands]) =>
    mailbox !== undefined && mailbox !== address
      ? []
      : Object.entries(stands).flatMap(([identifier, stand]) =>
          delegate !== undefined && delegate !== identifier
            ? []
            : [{ mailbox: address, delegate: identifier, ...nameOf(people.get(identifier)), ...stand, why: null }],
        ),
  );
}

/** As they are called today: the trail holds identifiers alone. */
const nameOf = (person: Called | undefined) => ({
  login: person?.login ?? null,
  firstName: person?.firstName ?? null,
  lastName: person?.lastName ?? null,
});
