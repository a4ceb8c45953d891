/**
 * Which logins may stand in an ACL entry and in a sender map.
 * Anything a server would read as something else than one user is refused before it reaches the wire (RFC 4314 section 3,
 * and what Dovecot and Cyrus make of names: `$group`, `!group`, `group:name`, a leading `-` for a negative entry).
 */

export type IdentifierFault =
  | 'empty'
  | 'too-long'
  | 'reserved' // anyone, authenticated, owner, ...: a name with a meaning of its own
  | 'negative' // a leading `-` takes rights away and outweighs what others give
  | 'upper-case' // an ACL identifier is case-sensitive on some servers, a sender map on all
  | 'characters';

/** In octets, RFC 5321 section 4.5.3.1.3 less the angle brackets. */
export const LONGEST_LOGIN = 254;

/** Names that some server reads as a group, a role or nobody. The same list stands in the database's triggers. */
export const RESERVED: readonly string[] = ['anyone', 'anonymous', 'authenticated', 'owner', 'nil', 'administrators'];

/** The fault of a login as an ACL identifier, or undefined when it names exactly one user. */
export function identifierFault(login: string): IdentifierFault | undefined {
  if (login === '') return 'empty';
  if (login.length > LONGEST_LOGIN) return 'too-long';
  if (RESERVED.includes(login.toLowerCase())) return 'reserved';
  if (login.startsWith('-')) return 'negative';
  if (!/^[A-Za-z0-9._@+-]+$/.test(login)) return 'characters';
  if (login !== login.toLowerCase()) return 'upper-case';
  return undefined;
}

const SENTENCES: Readonly<Record<IdentifierFault, string>> = {
  empty: 'it is empty',
  'too-long': `it is longer than ${LONGEST_LOGIN} characters`,
  reserved: 'mail servers read this word as a group or a role, not as one user',
  negative: 'a leading "-" makes a negative ACL entry',
  'upper-case': 'logins are written in lower case',
  characters: 'only a-z, 0-9 and . _ @ + - are allowed (an international domain goes in as punycode, xn--...)',
};

/** Why a login is refused, as the end of a sentence ("the login X is refused: ..."). */
export function describeFault(fault: IdentifierFault): string {
  return SENTENCES[fault];
}
