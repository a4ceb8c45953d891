/**
 * Who has logged in, from the `Received:` field that Postfix itself wrote (smtpd_sasl_authenticated_header = yes). It is the topmost
 * one, and neutered: a client's HELO name and certificate can't bring a line end or a parenthesis of their own into it. What a client
 * appends by beginning its message with a continuation line stands after the date, and is refused.
 */
import type { Field } from './header-fields.ts';

export type Origin =
  | { readonly kind: 'login'; readonly login: string; readonly hidden: Field }
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'foreign' };

const AUTHENTICATED = /^\t\(Authenticated sender: ([^\s()]+)\)\r\n$/;
/** In the line of `for` where there is one recipient, in a line of its own where there are more. */
const DATE =
  /;(?: |\r\n\t)[A-Z][a-z]{2}, [ \d]\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}(?: \([A-Za-z0-9+-]*\))?\r\n/;

/** `hidden`: the same field without the login. */
export function origin(first: Field | undefined): Origin {
  if (first === undefined || !first.raw.startsWith('Received: from ')) return { kind: 'foreign' };
  const lines = first.raw.split(/(?<=\r\n)(?!$)/);
  const by = lines.findIndex((line) => line.startsWith('\tby '));
  const date = DATE.exec(first.raw);
  if (by < 1 || date === null || date.index + date[0].length !== first.raw.length) return { kind: 'foreign' };
  const said = lines.slice(1, by).filter((line) => AUTHENTICATED.test(line));
  const login = AUTHENTICATED.exec(said[0] ?? '')?.[1];
  if (login === undefined || said.length !== 1) return { kind: 'anonymous' };
  const raw = lines.filter((line) => line !== said[0]).join('');
  return { kind: 'login', login, hidden: { name: 'received', value: raw.slice(9, -2).replaceAll('\r\n', ''), raw } };
}
