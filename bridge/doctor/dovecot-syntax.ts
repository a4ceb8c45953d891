/**
 * What the doctor and the set-up ask Dovecot's configuration, whatever its version calls it. 2.4 has no plugin { }, names its sections,
 * and most settings are called otherwise: dovecot-2.3.ts and dovecot-2.4.ts, one plain object each.
 */
import type { eventsIn, Section } from './doveconf-text.ts';

export interface Syntax {
  /** As the folder in config/dovecot/ is called. */
  readonly version: '2.3' | '2.4';
  /** The lines of our fragments, for a remedy. */
  readonly lines: {
    readonly aclCache: string;
    readonly aclUser: string;
    readonly sharingMap: string;
    readonly privateIndex: string;
    readonly onlyImap: string;
  };
  /** What says who shares with whom. */
  readonly sharingMapName: string;
  /** Of the IMAP login service; 0 stands for a listener that is off. */
  imapPorts(all: Section): ReadonlySet<number>;
  /** So long an open session goes on with rights that it has read, and how that is written. */
  aclCache(all: Section): { readonly seconds: number; readonly words: string };
  hasSharingMap(all: Section): boolean;
  /** The socket at which mandat is asked who shares with whom; undefined where Dovecot keeps it otherwise. */
  sharesSocket(all: Section): string | undefined;
  inheritsFromInbox(all: Section): boolean;
  /** Whether each delegate has \Seen flags of their own in this shared namespace. */
  hasPrivateIndex(namespace: Section): boolean;
  /** Between the folders of a namespace that has no `separator`; undefined where doveconf doesn't tell. */
  ownSeparator(all: Section, namespace: Section): string | undefined;
  /** What stands before the owner's login in the prefix of a shared namespace. */
  beforeOwner(prefix: string): string;
  /** The file of the server's own certificate. */
  certificate(all: Section): string | undefined;
  /** keep-deleted.sieve, where it is configured. */
  keepDeleted(all: Section): KeepDeleted | undefined;
  /** Events that are sent by HTTP, and which. */
  events(all: Section): ReturnType<typeof eventsIn>;
  /** Why a kick, as it is configured, ends no session that has a shared mailbox open. Undefined: nothing is known against it. */
  kickInVain(all: Section): string | undefined;
}

export interface KeepDeleted {
  /** The file. */
  readonly script: string;
  /** Of which mail it is asked: a pattern on the name of the folder that it comes from. Undefined: of all. */
  readonly from: string | undefined;
  /** What else keeps it from doing its work. */
  readonly lacking: readonly string[];
}

/** A fragment of ours, as a remedy names it. */
export const fragmentOf = (syntax: Pick<Syntax, 'version'> | undefined, name: string): string =>
  syntax === undefined ? `${name} of config/dovecot/` : `config/dovecot/${syntax.version}/${name}`;
