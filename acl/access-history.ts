/**
 * Who had access to a mailbox, and who could send for it, read back from the audit trail: its entries in their order, each changing one
 * thing. What was asked for (the row) and what stood on the servers (access, addresses to send from) are kept apart, since the second
 * follows the first by some milliseconds, or by an outage. R3.
 */
import type { Instant } from './delegation-facts.ts';

export interface Stand {
  /** Since when the row is there; null where it is gone. */
  readonly delegated: Instant | null;
  /** Since when their access is in force; null where it isn't. */
  readonly access: Instant | null;
  /** Addresses that they may send from, in behalf of the owner. */
  readonly sends: readonly string[];
}

/** By mailbox, then by the delegate's identifier. */
export type Standing = Readonly<{ [mailbox: string]: Readonly<{ [delegate: string]: Stand }> }>;

/** The part of an entry that matters here; `detail` is JSON. */
export interface Told {
  readonly at: Instant;
  readonly action: string;
  readonly mailbox: string | null;
  readonly delegate: string | null;
  readonly detail: string | null;
  /** `event`: nobody vouches for it, and nothing was seen of it. Such an entry changes nothing here. */
  readonly claimed?: string | null;
}

export interface StandingReader {
  /** One entry, in the trail's order. */
  take(entry: Told): void;
  now(): Standing;
}

interface Mutable {
  delegated: Instant | null;
  access: Instant | null;
  sends: readonly string[];
}

/** `from`: as it stood before the first entry that is taken. */
export function openStanding(from: Standing = {}): StandingReader {
  const mailboxes = new Map<string, Map<string, Mutable>>(
    Object.entries(from).map(([mailbox, stands]) => [
      mailbox,
      new Map(Object.entries(stands).map(([delegate, stand]) => [delegate, { ...stand }])),
    ]),
  );
  /** Older entries name a delegate by their login. */
  const byLogin = new Map<string, string>();

  const change = (mailbox: string, delegate: string, by: Partial<Mutable>) => {
    const stands = mailboxes.get(mailbox) ?? new Map<string, Mutable>();
    mailboxes.set(mailbox, stands);
    const stand = { ...(stands.get(delegate) ?? { delegated: null, access: null, sends: [] }), ...by };
    if (stand.delegated === null && stand.access === null && stand.sends.length === 0) stands.delete(delegate);
    else stands.set(delegate, stand);
    if (stands.size === 0) mailboxes.delete(mailbox);
  };
  const ofPair = (mailbox: string, delegate: string) => mailboxes.get(mailbox)?.get(delegate);

  const takePair = (at: Instant, action: string, mailbox: string, delegate: string, detail: Detail) => {
    const stand = ofPair(mailbox, delegate);
    const addresses = Array.isArray(detail.addresses) ? detail.addresses.map(String) : [];
    switch (action) {
      case 'grant':
        return change(mailbox, delegate, { delegated: at });
      case 'revoke':
        return change(mailbox, delegate, { delegated: null });
      case 'in-force':
        return change(mailbox, delegate, { access: stand?.access ?? at });
      case 'withdrawn':
      case 'ended':
        return change(mailbox, delegate, { access: null });
      case 'publish':
        return change(mailbox, delegate, { sends: [...new Set([...(stand?.sends ?? []), ...addresses])].sort() });
      case 'withdraw':
        return change(mailbox, delegate, { sends: (stand?.sends ?? []).filter((one) => !addresses.includes(one)) });
    }
  };

  return {
    take: ({ at, action, mailbox, delegate, detail: json, claimed }) => {
      if (claimed === 'event') return;
      const detail = detailOf(json);
      if (action === 'mailbox-set' && mailbox !== null) move(mailboxes, detail.address, mailbox);
      if ((action === 'delegate-add' || action === 'delegate-set') && delegate !== null) {
        if (typeof detail.login === 'string') byLogin.set(detail.login, delegate);
        for (const stands of mailboxes.values()) move(stands, detail.identifier, delegate);
      }
      if (mailbox !== null && delegate !== null) {
        takePair(at, action, mailbox, byLogin.get(delegate) ?? delegate, detail);
      }
    },
    now: () =>
      Object.fromEntries(
        [...mailboxes].sort(byName).map(([mailbox, stands]) => [mailbox, Object.fromEntries([...stands].sort(byName))]),
      ),
  };
}

type Detail = Readonly<{ [name: string]: unknown }>;

/** What an entry says beside its columns. Text that is no JSON, as a forged event may hold, says only itself. */
export function detailOf(json: string | null): Detail {
  try {
    const detail: unknown = json === null ? {} : JSON.parse(json);
    return typeof detail === 'object' && detail !== null ? (detail as Detail) : {};
  } catch {
    return { unreadable: json?.slice(0, 200) };
  }
}

function move<Value>(map: Map<string, Value>, before: unknown, now: string): void {
  const value = typeof before === 'string' && before !== now ? map.get(before) : undefined;
  if (value === undefined || typeof before !== 'string') return;
  map.delete(before);
  map.set(now, value);
}

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]) => (one < other ? -1 : 1);
