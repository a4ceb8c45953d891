/**
 * Whose an address is, from the delegation table as it stands at every message: what was revoked a moment ago is not in force any
 * more, whatever has been published so far. A table from the past (restore.ts), or one whose rules were changed, is believed where it takes
 * away, and gives only what stood in the ledger before.
 */

import { domainToUnicode } from 'node:url';
import { desired, type Policy } from '../../acl/desired.ts';
import type { GuardSettings } from '../../acl/guard.ts';
import type { Rights, Standing } from '../../acl/submission.ts';
import { goneAmong } from '../safeguards/disappearing-pairs.ts';
import { guard } from '../safeguards/guard.ts';
import { isFromThePast } from '../safeguards/table-from-the-past.ts';
import { inEffect } from '../safeguards/withdrawn.ts';
import { punycode } from '../shared/domain-name.ts';
import { type Clock, fact } from '../store/state/facts.ts';
import { pairsAmong, placesIn, standingFirst } from '../store/state/ledger-pairs.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { type MailboxState, readMailbox } from '../store/table/rows.ts';

export interface Authority {
  /** What this login may do with these addresses, now. Rejects when the table can't be read. */
  rights(login: string, addresses: readonly string[]): Promise<Rights>;
}

/**
 * `watched` tells of commits to the table. It is a connection of its own: within a transaction, as `table` may just be in, a connection
 * sees none.
 */
export function openAuthority(
  table: DelegationDb,
  watched: Pick<DelegationDb, 'dataVersion'>,
  state: StateDb,
  clock: Pick<Clock, 'now'>,
  policy: () => Policy,
  guardSettings: GuardSettings,
): Authority {
  // Rows only: whether a delegation is in force is judged each time, for the time passes without a commit.
  const mailboxes = memory<MailboxState | undefined>(watched.dataVersion);
  const own = memory<string | null>(watched.dataVersion);

  const standing = async (login: string, written: string): Promise<Standing> => {
    const address = canonical(written);
    if (address === undefined) return { kind: 'stranger' };
    const mailbox = await mailboxes(address, async () => {
      const id = await mailboxAt(table, address);
      return id === undefined ? undefined : readMailbox(table, id);
    });
    if (mailbox === undefined)
      return address === login || bare(address) === login ? { kind: 'own' } : { kind: 'stranger' };
    const { id, rows } = mailbox;
    if (rows === undefined) return { kind: 'stranger' };
    if (rows.login === login) return { kind: 'own' };
    const { maxDelegates = Number.POSITIVE_INFINITY } = policy().rules;
    const crowded = rows.delegations.length > maxDelegates;
    const first = crowded ? standingFirst(await placesIn(state, id, mailbox.server)) : [];
    const { delegates } = desired(rows, await inEffect(policy(), state), clock.now(), first);
    const delegation = rows.delegations.find(({ delegate }) => delegate.login === login);
    if (delegation === undefined && (await isHeldBack(id, login))) return { kind: 'held' };
    if (!delegates.some((delegate) => delegate.login === login)) return { kind: 'stranger' };
    const believed =
      (await fact(state, 'restored')) !== 'held' &&
      (await table.differences()).length === 0 &&
      !(await isFromThePast(table, state));
    if (!believed) {
      if (!(await stands(mailbox, login))) return { kind: 'stranger' };
    }
    return { kind: 'owner', owner: rows.address, mode: delegation?.sendMode ?? null };
  };

  /** Looks at all pairs, in portions, and only where one stands whose row is gone, by nobody's request: as long as the guard holds, or a moment. */
  const isHeldBack = async (id: number, login: string): Promise<boolean> => {
    const goes = (await goneAmong(table, state, [id])).get(id)?.find((pair) => pair.login === login);
    if (goes === undefined || goes.intended) return false;
    return (await guard(table, state, guardSettings)).held.get(id)?.has(login) === true;
  };

  /** Whether they have something on the servers by the ledger, and aren't losing it. */
  const stands = async ({ id, server }: MailboxState, login: string): Promise<boolean> =>
    (await pairsAmong(state, [id], 'everywhere')).some(
      (pair) => pair.server === server && pair.login === login && pair.phase !== 'revoking',
    );

  return {
    rights: async (login, addresses) => {
      const known = new Map<string, Standing>();
      for (const address of new Set(addresses)) known.set(address, await standing(login, address));
      return {
        self: await own(login, () => ownAddress(table, login)),
        standing: (address) => known.get(address) ?? { kind: 'stranger' },
      };
    },
  };
}

const MOST_REMEMBERED = 5000;

/** What was read is good until somebody commits, which is asked for each time and before it is read. What failed is read again. */
function memory<T>(version: () => number): (key: string, read: () => Promise<T>) => Promise<T> {
  let known = new Map<string, Promise<T>>();
  let of: number | undefined;
  return (key, read) => {
    const now = version();
    if (now !== of || known.size >= MOST_REMEMBERED) known = new Map();
    of = now;
    const found = known.get(key);
    if (found !== undefined) return found;
    const mine = known;
    const reading = read();
    mine.set(key, reading);
    reading.catch(() => mine.delete(key));
    return reading;
  };
}

/** As the table has it: lower case, punycode. Undefined where the domain reads otherwise than it is written. */
export function canonical(address: string): string | undefined {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1).toLowerCase();
  const ascii = punycode(domain);
  if (at < 1 || ascii === '' || (ascii !== domain && domainToUnicode(ascii) !== domain.normalize('NFC')))
    return undefined;
  return `${lowerCase(address.slice(0, at))}@${ascii}`;
}

/** The Kelvin sign is no k, though its lower case is. */
const lowerCase = (text: string): string =>
  text.replace(/[A-Z]+|[^ -~]/gu, (one) =>
    /^[^ -~]/.test(one) && /^[ -~]/.test(one.toLowerCase()) ? one : one.toLowerCase(),
  );

/** Without what stands after `+`, as Postfix looks an address up. */
const bare = (address: string) => address.replace(/^([^+@]+)\+[^@]*@/, '$1@');

/** The mailbox that has this address or alias: the full address first, then without its extension. */
async function mailboxAt({ query }: DelegationDb, address: string): Promise<number | undefined> {
  for (const one of new Set([address, bare(address)])) {
    const row =
      (await query.selectFrom('mailboxes').select('id').where('address', '=', one).executeTakeFirst()) ??
      (await query.selectFrom('aliases').select('mailbox_id as id').where('address', '=', one).executeTakeFirst());
    if (row !== undefined) return row.id;
  }
  return undefined;
}

/**
 * Their own mailbox's address; else the login where it is an address and they have never been asked for the terms of use, which only those
 * without a mailbox are (R43). Never a contact address: it isn't read here.
 */
async function ownAddress({ query }: DelegationDb, login: string): Promise<string | null> {
  const own = await query.selectFrom('mailboxes').select('address').where('login', '=', login).executeTakeFirst();
  if (own !== undefined) return own.address;
  if (!/^[^@]+@[^@]+$/.test(login)) return null;
  const person = await query
    .selectFrom('delegates')
    .select(['terms_version', 'state'])
    .where('login', '=', login)
    .executeTakeFirst();
  return person === undefined || (person.terms_version === null && person.state !== 'pending') ? login : null;
}
