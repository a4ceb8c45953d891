/** What stands on the server by hand-made entries, mailbox by mailbox: who has what, and whether mandat knows who that is. Reads only. */

import { NONE, type Rights } from '../../acl/rights.ts';
import { type Extent, holding, isAUsers } from '../../acl/standing-entries.ts';
import { lookAsDelegate, lookAsOwner } from '../questions/one-look.ts';
import type { MailServer } from '../reconcile/driver-interfaces.ts';
import { failureOf } from '../shared/failure.ts';
import { pairsOf } from '../store/state/ledger-pairs.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';

/** A mailbox that is looked into. */
export interface Place {
  readonly address: string;
  readonly login: string;
  /** Undefined where it isn't in the table yet. */
  readonly id: number | undefined;
}

export interface Found {
  readonly mailbox: string;
  /** The owner's. */
  readonly owner: string;
  readonly mailboxId: number | undefined;
  /** As the ACL has it, which is how the server calls the account. */
  readonly login: string;
  readonly extent: Extent;
  readonly folders: number;
  readonly of: number;
  readonly rights: Rights;
  /** The delegate's identifier, where the table knows this login. */
  readonly delegate: string | undefined;
  /** Whether the delegation is in the table. */
  readonly row: boolean;
}

export interface Survey {
  readonly found: readonly Found[];
  /** Entries that are in the ledger, and so mandat's already. */
  readonly known: number;
  /** Entries that stay, and why they can't become delegations. */
  readonly others: readonly { readonly mailbox: string; readonly identifier: string; readonly why: string }[];
  /** Mailboxes that could not be looked into. */
  readonly unseen: readonly { readonly mailbox: string; readonly why: string }[];
}

export interface SurveySite {
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly server: MailServer;
  /** What a grant gives. */
  readonly rights: Rights;
}

export async function survey(
  site: SurveySite,
  places: readonly Place[],
  onMailbox: (done: number) => void = () => {},
): Promise<Survey> {
  const found: Found[] = [];
  const others: Survey['others'][number][] = [];
  const unseen: Survey['unseen'][number][] = [];
  let known = 0;
  for (const [at, place] of places.entries()) {
    try {
      const one = await lookInto(site, place);
      found.push(...one.found);
      others.push(...one.others);
      known += one.known;
    } catch (error) {
      unseen.push({ mailbox: place.address, why: failureOf(error).message });
    }
    onMailbox(at + 1);
  }
  return { found, known, others, unseen };
}

async function lookInto(site: SurveySite, place: Place): Promise<Omit<Survey, 'unseen'>> {
  const { folders, entries } = await lookAsOwner(site.server, place.login);
  const names = folders.map(({ name }) => name);
  const identifiers = new Set([...entries.values()].flatMap((there) => [...there.keys()]));
  const pairs = place.id === undefined ? [] : await pairsOf(site.state, place.id);
  const ours = new Set(pairs.filter(({ ownerLogin }) => ownerLogin === place.login).map(({ login }) => login));
  const found: Found[] = [];
  const others: Survey['others'][number][] = [];
  const stays = (identifier: string, why: string) => others.push({ mailbox: place.address, identifier, why });
  let known = 0;
  for (const identifier of [...identifiers].sort()) {
    if (identifier === place.login || identifier === 'owner' || identifier === `#${place.login}`) continue;
    if (!isAUsers(identifier, place.login)) {
      stays(identifier, "a group's, everybody's, the site's or a negative entry: no single person's");
      continue;
    }
    if (ours.has(identifier)) {
      known++;
      continue;
    }
    const seen = await lookAsDelegate(site.server, place.login, identifier, names).catch((error: unknown) => {
      stays(identifier, failureOf(error).message);
      return undefined;
    });
    if (seen === undefined) continue;
    const held = holding(folders, (folder) => seen.get(folder) ?? NONE, site.rights);
    found.push({
      mailbox: place.address,
      owner: place.login,
      mailboxId: place.id,
      login: identifier,
      ...held,
      ...(await inTheTable(site.table, place.id, identifier)),
    });
  }
  return { found, others, known };
}

async function inTheTable({ query }: DelegationDb, mailboxId: number | undefined, login: string) {
  const person = await query
    .selectFrom('delegates')
    .select(['id', 'identifier'])
    .where('login', '=', login)
    .executeTakeFirst();
  if (person === undefined) return { delegate: undefined, row: false };
  const row = await query
    .selectFrom('delegations')
    .select('id')
    .where('mailbox_id', '=', mailboxId ?? 0)
    .where('delegate_id', '=', person.id)
    .executeTakeFirst();
  return { delegate: person.identifier, row: row !== undefined };
}
