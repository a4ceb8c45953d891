/**
 * One access to a delegated mailbox, as the trace keeps it: who did what in whose mailbox, when, from where, and what the server said.
 * Nothing in it is a message's content, subject or recipient, nor what somebody searched for, nor a keyword. docs/trace.md; R3.
 */

/**
 * What was done, in the field's words. `read`: a message's text was fetched; `headers`: who wrote it, when, and its subject; `look`: its flags,
 * sizes and numbers, a folder's counts or rights. `file`: a message was put there. `expunge`: what was marked as deleted went for good.
 * `settings`: of the mailbox (METADATA). `rights`: an entry of the ACL was written.
 */
export const ACTIONS = [
  'login',
  'open',
  'read',
  'headers',
  'look',
  'search',
  'flag',
  'mark-deleted',
  'unmark-deleted',
  'expunge',
  'file',
  'copy',
  'move',
  'folder-create',
  'folder-rename',
  'folder-delete',
  'subscribe',
  'unsubscribe',
  'rights',
  'settings',
  'other',
] as const;
export type Action = (typeof ACTIONS)[number];

/**
 * As what they did it. `owner`: in their own mailbox. `delegate`: by a delegation that stood then. `other`: in somebody's mailbox without one,
 * by an entry that isn't mandat's, or in vain. `master`: another login, that may log in as anybody, in this one's name. `mandat`: its own
 * sessions. `admin`: on the server itself (doveadm).
 */
export const RELATIONS = ['owner', 'delegate', 'other', 'master', 'mandat', 'admin'] as const;
export type Relation = (typeof RELATIONS)[number];

export interface Access {
  /** When it ended, by the server's clock, in ms since the epoch. */
  readonly at: number;
  /** The login whose session it was. */
  readonly login: string;
  /** The identifier that the site knows them by: of a delegate or an owner; null of anybody else. */
  readonly identifier: string | null;
  readonly relation: Relation;
  /** The login that opened the session in this one's name: of `master` and `mandat`; null elsewhere. */
  readonly via: string | null;
  /** The delegation's number in the table; null but for `delegate`. */
  readonly delegation: number | null;
  /** Whose mailbox: its address then. */
  readonly mailbox: string;
  /** Its owner then: their identifier or, where none is known, their login. */
  readonly owner: string;
  /** As the owner names it, in UTF-8; null where the command was about none, or it wasn't told. */
  readonly folder: string | null;
  readonly action: Action;
  /** The protocol's word, `UID FETCH`; of doveadm `acl_set`. One that is not known is `(other)`. */
  readonly verb: string;
  /** `OK`, `NO`, `BAD`, or '' where the server gave no answer. */
  readonly answer: string;
  /** Its code and what it says, where that is one of the sentences that are known to name nobody and nothing. */
  readonly said: string | null;
  /** Which messages: UIDs, or their numbers in the folder then. */
  readonly messages: Messages | null;
  /** Of what came into {@link folder} by this: the UIDVALIDITY that {@link messages} are of; null where it wasn't told. */
  readonly uidValidity: number | null;
  /** Where to: of copy, move and folder-rename. */
  readonly target: Target | null;
  /** Where the client was, as the server saw it; '' where there was none. */
  readonly address: string;
  /** The server's name of the session. */
  readonly session: string;
}

export interface Messages {
  /** A sequence set: `3,7:9`, `1:*`. */
  readonly set: string;
  readonly by: 'uid' | 'number';
  /** Whether there were more than are named. */
  readonly more: boolean;
}

export interface Target {
  /** The same mailbox, another one, or their own: that one's folders are nobody's business. */
  readonly mailbox: 'same' | 'own' | { readonly address: string };
  /** As its owner names it; null where it is their own, or wasn't told. */
  readonly folder: string | null;
  readonly uidValidity: number | null;
  /** UIDs that they got there. */
  readonly set: string | null;
}
