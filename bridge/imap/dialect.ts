/** What each kind of IMAP server does its own way. One plain object a server (dovecot.ts); everything else in this room is common to all. */

import type { Entries } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import type { Connection } from './connection.ts';
import type { Namespaces, OwnersNames } from './namespaces.ts';
import type { KnownOwner } from './owner-facts.ts';
import type { Refusal } from './replies.ts';
import type { Introduction } from './server-introduction.ts';

export interface Dialect {
  /** As `imap.server` calls it. */
  readonly kind: 'dovecot' | 'cyrus' | 'rfc4314';
  /** As people call it. */
  readonly title: string;
  /** Whether a server that introduces itself so speaks it. */
  recognises(said: Introduction): boolean;
  /** What STATUS calls a folder's own id, which a rename leaves alone; undefined where there is none: the name stands for it. */
  readonly folderId: string | undefined;
  /** What STATUS calls that by which an owner's INBOX is known again in a delegate's session: the id, or the next best. */
  readonly proofId: string | undefined;
  /** A folder's name that never is one: asked for its MYRIGHTS, it tells what a folder without an entry of its own gives. Undefined: nothing. */
  readonly asksInherited: string | undefined;
  /** Rights with which a delegate can carry a folder off into their own tree, where they own it; empty where no right lets them. */
  readonly carriesOff: string;
  /** Rights that are given to nobody on any folder, whatever is configured. */
  readonly withheld: string;
  /** Which rights are given only together is asked (LISTRIGHTS), and whether they are written as RFC 2086 has them. */
  readonly asksTies: boolean;
  /** Its OK is no proof that an entry was changed, nor its NO that it wasn't: it is read again. */
  readonly readsBack: boolean;
  /** LSUB goes on to show folders that a delegate may not see any more. */
  readonly keepsDeadSubscriptions: boolean;
  /**
   * Proves whose session it is before anything is written: an authzid may have been dropped without a word, and the session
   * then is the administrator's own. Returns INBOX's entries. Closes the connection and fails `unsafe` when it is somebody else's.
   * `openNobody`: a session as a login that nobody has, where this one can't tell.
   */
  proven(
    connection: Connection,
    login: string,
    adminUser: string,
    openNobody: (login: string) => Promise<Connection>,
  ): Promise<Entries>;
  /** How `delegate` names the folders of `owner`, as their session shows it. Fails `config` where the server shows nobody's folders to others. */
  names(namespaces: Namespaces, owner: string, delegate: string, look: Look): OwnersNames | Promise<OwnersNames>;
  /** The folder isn't there. */
  isGone(refusal: Refusal): boolean;
  /** It is there, and whoever asked lacks the right. */
  isDenied(refusal: Refusal): boolean;
  /** Lets in whom nobody knows: whether there is such an account shows only in what the session is ({@link proven} fails `absent`). */
  readonly answersUnknownLogins?: boolean;
  /** Delegated mailboxes may also be shown in a shared namespace (RFC 2342), and not in that of other users. */
  readonly inSharedNamespaces?: boolean;
  /** What doctor advises in this server's own words; without it, as for Dovecot. */
  readonly advice?: Advice;
}

/** Rule of a failure: there may be no such account, and it can't be told yet. */
export const UNSURE_ACCOUNT = 'UNSURE_ACCOUNT';

/** Remedies, by what they are for. */
export interface Advice {
  readonly identity: string;
  readonly namespace: string;
  readonly sharing: string;
  readonly metadata: string;
  readonly privateSeen: string;
  /** What of a right that is gone an open session goes on with: a sentence. */
  readonly openSessions: string;
}

/** What there is to find out a name with. */
export interface Look {
  /** The delegate's session. */
  readonly connection: Connection;
  /** Undefined where the owner has no account any more. */
  readonly owner: KnownOwner | undefined;
  /** The same of somebody else, who is logged in for it where nobody has been yet. */
  ownerOf(login: string): Promise<KnownOwner | undefined>;
  /** Of this server, kept as long as the program runs. */
  readonly learnt: Learnt;
}

/** What has been learnt of how this server names owners' folders to others. */
export interface Learnt {
  /** By the prefix of a shared namespace: how owners are written in it, and what an INBOX that is a folder below the owner's name is called. */
  readonly forms: Map<string, { readonly form: string; readonly inbox: string | undefined }>;
  /** By the prefix of a private namespace: that of the shared one which shows it. */
  readonly spaces: Map<string, string>;
}

/** Which dialect the server at the other end speaks. */
export type DialectOf = (connection: Connection) => Promise<Dialect>;

/** @param remedy how the server comes to offer ACLs */
export function mustOfferAcl(connection: Connection, remedy: string): void {
  if (connection.has('ACL')) return;
  connection.close();
  throw new Failure('config', 'the IMAP server offers no ACL (RFC 4314)', remedy);
}
