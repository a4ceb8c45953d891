/** What stands in Postfix's smtpd_sender_login_maps and in its lists of restrictions. Pure: text in, what it means out. */

export interface Table {
  /** Asked through proxymap(8). */
  readonly proxied: boolean;
  /** `sqlite`, `regexp`. */
  readonly type: string;
  /** A file, mostly. */
  readonly name: string;
}

/** Every table, in order, those inside unionmap:{...} and pipemap:{...} too. */
export function tablesIn(maps: string): readonly Table[] {
  return [...maps.matchAll(/(proxy:)?([a-z]+):([^\s,{}]+)/g)].map(([, proxy, type = '', name = '']) => ({
    proxied: proxy !== undefined,
    type,
    name,
  }));
}

/** The maps that are asked one after the other until one answers; unionmap:{...} is one of them, and inline:{{...}}. */
export function mapsIn(maps: string): readonly string[] {
  return maps.match(/[a-z:]+\{(?:[^{}]|\{[^}]*\})*\}|[^\s,]+/g) ?? [];
}

const REFUSING = ['reject_authenticated_sender_login_mismatch', 'reject_sender_login_mismatch'];
/** What ends a list in favour of somebody who has logged in. */
const PERMITTING = ['permit', 'permit_sasl_authenticated', 'permit_mynetworks'];

export type Guarding =
  | { readonly kind: 'guarded' }
  | { readonly kind: 'unguarded' }
  | { readonly kind: 'bypassed'; readonly by: string };

/** Whether these lists refuse, to somebody who has logged in, an address that isn't theirs. */
export function guarding(lists: readonly string[]): Guarding {
  let bypassed: Guarding | undefined;
  for (const list of lists) {
    const words = wordsIn(list);
    const at = words.findIndex((word) => REFUSING.includes(word));
    const by = words.slice(0, Math.max(at, 0)).find((word) => PERMITTING.includes(word));
    if (at >= 0 && by === undefined) return { kind: 'guarded' };
    if (at >= 0 && by !== undefined) bypassed ??= { kind: 'bypassed', by };
  }
  return bypassed ?? { kind: 'unguarded' };
}

/** The restriction among these that refuses mail from outside which says to come from one of ours, or undefined. */
export function refusesOutside(lists: readonly string[]): string | undefined {
  const wrong = ['reject_sender_login_mismatch', 'reject_unauthenticated_sender_login_mismatch'];
  return lists.flatMap(wordsIn).find((word) => wrong.includes(word));
}

/** What lets nobody pass who comes from outside: they have no login, no certificate, and are in none of our networks. */
const FOR_OURS = [
  'permit_sasl_authenticated',
  'permit_mynetworks',
  'permit_tls_clientcerts',
  'permit_tls_all_clientcerts',
];

/** Whether a list refuses everybody who comes from outside, as `permit_sasl_authenticated,reject` does. */
export function refusesStrangers(list: string): boolean {
  const words = wordsIn(list);
  const end = words.findIndex((word) => word === 'reject' || word === 'defer');
  return end >= 0 && words.slice(0, end).every((word) => FOR_OURS.includes(word) || word.startsWith('reject_'));
}

/** What lets somebody pass who isn't known yet when a client connects, or says EHLO: by a login, a certificate, a recipient. */
const LATE = [
  'permit_sasl_authenticated',
  'permit_tls_clientcerts',
  'permit_tls_all_clientcerts',
  'permit_auth_destination',
];

export type Early =
  | { readonly kind: 'nobody' }
  /** `by` stands behind `spares`, which spares nobody as early as that. */
  | { readonly kind: 'everybody' | 'some'; readonly by: string; readonly spares: string };

/** Who of our own users is refused by a list that is gone through before they could log in. */
export function refusedEarly(list: string): Early {
  const words = wordsIn(list);
  const late = words.findIndex((word) => LATE.includes(word));
  const behind = late < 0 ? [] : words.slice(late + 1);
  const permitted = behind.indexOf('permit');
  const refusing = (permitted < 0 ? behind : behind.slice(0, permitted)).filter((word) =>
    /^(?:reject|defer|check_)/.test(word),
  );
  const all = refusing.find((word) => word === 'reject' || word === 'defer');
  const by = all ?? refusing[0];
  if (by === undefined) return { kind: 'nobody' };
  return { kind: all === undefined ? 'some' : 'everybody', by, spares: words[late] ?? '' };
}

const wordsIn = (list: string): readonly string[] => list.split(/[\s,]+/).filter((word) => word !== '');
