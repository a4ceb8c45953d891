/** Who plays in the histories. alice and bob own mailboxes; bob, carol and dave are delegates, bob both; erin's account is spare, zoe is nobody's delegate. */

export const MAILBOXES = ['alice', 'bob'] as const;
export const DELEGATES = ['bob', 'carol', 'dave'] as const;
export const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin', 'zoe'] as const;
/** Accounts that a mailbox may be at: alice's moves to erin's and back. */
export const ACCOUNTS = ['alice', 'bob', 'erin'] as const;
/** Names before the @ that a mailbox may be addressed by. */
export const ADDRESSES = ['alice', 'office', 'bob'] as const;

export type MailboxName = (typeof MAILBOXES)[number];
export type DelegateName = (typeof DELEGATES)[number];
export type Person = (typeof PEOPLE)[number];
export type Account = (typeof ACCOUNTS)[number];
export type Address = (typeof ADDRESSES)[number];

export interface Pair {
  readonly mailbox: MailboxName;
  readonly delegate: DelegateName;
}

/** All that can be delegated. */
export const PAIRS: readonly Pair[] = MAILBOXES.flatMap((mailbox) =>
  DELEGATES.filter((delegate) => delegate !== mailbox).map((delegate) => ({ mailbox, delegate })),
);

/** Folders of each account that no step renames or deletes; hand-made entries are put on these. */
export const FIXED = ['INBOX', 'Affaires'] as const;
/** What stands in an account when no history has begun. */
export const KEPT: readonly string[] = [...FIXED, 'Drafts', 'Junk', 'Sent', 'Trash'];
export type Fixed = (typeof FIXED)[number];

/** Names for folders that come and go, as people write them. */
export const NAMES = [
  'Projets',
  'Été & hiver',
  'a b',
  '"cité"',
  'ab\\c',
  '[x]',
  '100%',
  "l'an",
  'Envoyés 2',
  '日本',
] as const;

/** More pairs than this, for each group, that disappear at once are held ([guard] max_pairs). */
export const MAX_PAIRS = 2;
