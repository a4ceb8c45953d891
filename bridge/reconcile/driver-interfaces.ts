/** What the reconciler needs of a mail server. One driver for IMAP, with a dialect a server (bridge/imap/dialect.ts); rehearsal.ts wraps any of them. */
import type { Rights } from '../../acl/rights.ts';
import type { Failure } from '../shared/failure.ts';
import type { FolderName } from '../store/state/ledger-pairs.ts';

/** The one folder that every account has, by this name on the owner's side (RFC 9051 section 5.1). */
export const INBOX = 'INBOX';

export interface Folder {
  readonly name: FolderName;
  /** The server's own id, which a rename leaves alone; the name where the server has none. */
  readonly id: string;
  /** RFC 6154: Sent, Drafts, Junk, Trash, ... */
  readonly specialUse: boolean;
  /** All names of it, this one among them, where the server lists it by several; undefined where it has only the one. */
  readonly names?: readonly FolderName[];
  /** Whether the owner is subscribed to it. */
  readonly subscribed: boolean;
  /** Rights that no delegate is given on it, whatever is configured ({@link OwnerView.withheld}). */
  readonly withheld?: string;
  /** Groups of rights that the server gives only together ({@link OwnerView.ties}). */
  readonly ties?: readonly string[];
  /** The private namespace that it lies in, by its prefix, where that isn't the one with INBOX. */
  readonly apart?: string;
}

/** Explicit entries of one folder, by identifier exactly as the server writes it (a leading `-` for a negative one). */
export type Entries = ReadonlyMap<string, Rights>;

/**
 * Waits much longer for a server that says nothing than `imap.timeout_seconds`: as long as a whole command may take, or until this breaks it
 * off, by which the session is lost. A server that has no index of a mailbox yet makes one before it answers the first question about it.
 */
export type Patience = AbortSignal;

export interface MailServer {
  readonly name: string;
  /** Says that a session will be wanted in a moment. */
  prepare(): void;
  /**
   * A fresh session as the owner, the identity proven. Fails `unsafe` when it is somebody else's. `looks`: all of the tree will be asked about, and
   * nobody waits for INBOX before that, so that all of it may be asked at once.
   */
  asOwner(login: string, patience?: Patience, looks?: boolean): Promise<OwnerView>;
  /** A fresh session as the delegate, the identity proven. Fails `absent` when the server knows no such account. */
  asDelegate(login: string): Promise<DelegateView>;
}

export interface OwnerView {
  readonly login: string;
  /** INBOX's entries when the session began: reading them is what proves whose it is. */
  readonly inbox: Entries;
  /** Rights that would do harm on this server, and that nobody is given on any folder: `x` where a folder can be carried off with it. */
  readonly withheld: string;
  /** Whether INBOX's entry can hold for other folders: then taking it away decides. Where it never does, each folder's own entry decides. */
  readonly inherits: boolean;
  /** Groups of rights that this server gives only together. */
  readonly ties: readonly string[];
  /** The owner's own selectable folders, INBOX included. Special-use folders exist after this. May take long the first time: {@link Patience}. */
  folders(patience?: Patience): Promise<readonly Folder[]>;
  /** Their names alone, which no server has to look into folders for. */
  names(): Promise<readonly FolderName[]>;
  /** Of some of them. */
  ids(folders: readonly FolderName[]): Promise<ReadonlyMap<FolderName, string>>;
  /**
   * Folders that have vanished meanwhile are missing from the answer, and so are those whose ACL the owner themselves may not read:
   * a negative entry takes the right `a` from them there (RFC 4314 section 4). `closed` hears of these.
   */
  entries(
    folders: readonly FolderName[],
    closed?: (folder: FolderName) => void,
  ): Promise<ReadonlyMap<FolderName, Entries>>;
  /** Whether changes that are asked for together go out in one piece. */
  readonly together?: boolean;
  /** False when the folder has vanished meanwhile. */
  set(folder: FolderName, identifier: string, rights: Rights): Promise<boolean>;
  remove(folder: FolderName, identifier: string): Promise<boolean>;
  /** By the owner's list of subscriptions. */
  subscribed(): Promise<ReadonlySet<FolderName>>;
  /** The owner, to a folder of their own. False when the server refuses. */
  subscribe(folder: FolderName): Promise<boolean>;
  /**
   * Names of folders in others' mailboxes in which this owner has an owner's rights: where a folder can be carried off, its entries go with it, and
   * so it shows where it has come from. Always empty elsewhere.
   */
  carriedOff(): Promise<readonly string[]>;
  close(): void;
}

export interface Unreachable {
  readonly message: string;
  readonly hint: string;
  /** An entry of the delegate's may yet change it. */
  readonly yet: boolean;
}

/** An owner's mailbox as one delegate sees it. Folders go by the owner's names. */
export interface DelegateView {
  readonly login: string;
  /** Why the server can't show this owner's folders to the delegate at all; undefined where it can. Nothing is listed and no right seen then. */
  unreachable(owner: string): Promise<Unreachable | undefined>;
  /** Those of the owner's folders that the delegate can have a name for: what lies in a namespace that isn't shared, nobody can reach. */
  reach(owner: string, folders: readonly Folder[]): Promise<ReadonlySet<FolderName>>;
  /** Of these, one a private namespace where only an entry would show whether it is shared too. */
  untried(owner: string, folders: readonly Folder[]): Promise<readonly Folder[]>;
  /** What the delegate calls a folder; undefined when they can't reach it. */
  called(owner: string, folder: FolderName): Promise<string | undefined>;
  /** Selectable folders that LIST shows them. To be asked first: Dovecot's LIST also shows what the same session has touched. */
  listed(owner: string): Promise<ReadonlySet<FolderName>>;
  /** Their MYRIGHTS on each; no right at all on a folder that is hidden from them. */
  rights(owner: string, folders: readonly FolderName[]): Promise<ReadonlyMap<FolderName, Rights>>;
  /** What a folder without an entry of its own gives them: INBOX's rights where the server inherits, none elsewhere. */
  inherited(owner: string): Promise<Rights>;
  subscribed(owner: string): Promise<ReadonlySet<FolderName>>;
  /** Whether subscriptions that are asked for together go out in one piece. */
  readonly together?: boolean;
  /** False when the server refuses, because the folder isn't there for them. */
  subscribe(owner: string, folder: FolderName): Promise<boolean>;
  unsubscribe(owner: string, folder: FolderName): Promise<boolean>;
  /** Whether {@link subscribed} goes on to show folders that they may not see any more, as mail programs then do. */
  readonly keepsDeadSubscriptions: boolean;
  close(): void;
}

/** Ends open sessions of a login (bridge/sessions). */
export interface SessionCutter {
  /** Resolves when the server has taken the order, which proves nothing yet. */
  cut(login: string): Promise<Cut>;
}

/** An order to end sessions, and what has become of it. */
export interface Cut {
  /** Sessions that were open before it; undefined where we may not look. */
  readonly before: number | undefined;
  /** What would let us look, as the end of a sentence. */
  readonly toSee: string;
  /** Waits, some seconds at most, until none of these is left. False: nobody can say. Fails where one of them goes on. */
  ended(): Promise<boolean>;
}

/** The published sender rules (bridge/sender). */
export interface SenderPublisher {
  /** Makes the rules of one mailbox exactly these, in one transaction, and every output follow. Returns what changed. */
  publish(
    mailboxId: number,
    rules: readonly { readonly address: string; readonly login: string }[],
  ): SenderChange | Promise<SenderChange>;
  rules(mailboxId: number): readonly { readonly address: string; readonly login: string }[];
  /** The rules that mailboxes other than this one have at these addresses. */
  othersAt(
    addresses: readonly string[],
    mailboxId: number,
  ): readonly { readonly address: string; readonly login: string; readonly mailboxId: number }[];
  /** Mailboxes that have rules: so many at most, above that id, in ascending order. */
  mailboxIds(after: number, most: number): readonly number[];
}

export interface SenderChange {
  readonly added: readonly { readonly address: string; readonly login: string }[];
  readonly removed: readonly { readonly address: string; readonly login: string }[];
  /** Outputs that could not follow: what was removed may be in force there still. */
  readonly failed?: readonly Failure[];
}
