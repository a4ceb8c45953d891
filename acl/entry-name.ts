/**
 * The identifier of an ACL entry as Dovecot's GETACL writes it, taken apart: `-` before an entry that takes away (RFC 4314 section 2),
 * `#` before one of the site's own (its global ACL file), `$` before a group, `!$` before a group whose entry outweighs a user's own
 * (`group-override`). `-#!$nurses` is all of it.
 */

export interface EntryName {
  readonly negative: boolean;
  /** The site's: it stands in no mailbox, outweighs every entry that does, and can't be changed over IMAP. */
  readonly sites: boolean;
  readonly whom: 'user' | 'everybody' | 'group' | 'override';
  /** A login, a group's name, or the word for everybody. */
  readonly name: string;
}

export function entryName(identifier: string): EntryName {
  const [, minus = '', mark = '', group = '', name = ''] = /^(-?)(#?)(!?\$|)([\s\S]*)$/.exec(identifier) ?? [];
  const whom = group === '$' ? 'group' : group === '!$' ? 'override' : EVERYBODY.has(name) ? 'everybody' : 'user';
  return { negative: minus !== '', sites: mark !== '', whom, name };
}

const EVERYBODY: ReadonlySet<string> = new Set(['anyone', 'authenticated']);

/** Whether it may be about that user. Who is in a group only the server knows. */
export function mayConcern({ whom, name }: EntryName, login: string): boolean {
  return whom !== 'user' || name === login;
}

/**
 * Whether GETACL of an INBOX, the session's own, proves that it is this user's: Dovecot always names its owner there, with `a`, as `#owner's login`
 * where the global ACL file has a line for owners. `admin` is whose session it is when an authzid was dropped.
 */
export function provesOwner(inbox: ReadonlyMap<string, string>, login: string, admin: string): boolean {
  const administers = (identifier: string) => inbox.get(identifier)?.includes('a') === true;
  return (administers(login) || administers(`#${login}`)) && !inbox.has(admin) && !administers(`#${admin}`);
}
