/** Where each page is. */
const at = encodeURIComponent;

export type Query = Readonly<Record<string, string | number | undefined>>;

export function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

export const MAILBOXES = '/mailboxes';
export const ACCOUNT = '/account';
export const ADMIN = '/admin';
export const SIGN_OUT = '/sign-out';

/** Below an address: its delegations, and what is done with them. */
export const mailboxPath = (address: string, below = '') => `${MAILBOXES}/${at(address)}${below}`;
export const clientPath = (address: string, file = '') => `${ACCOUNT}/mailboxes/${at(address)}${file}`;
