import type { Lying } from './twins.ts';

/** Satisfied by bridge/imap/sent-copies.ts. */
export interface SentFolders {
  /** As the owner, the identity proven; of an account that has such a folder. */
  open(login: string): Promise<SentFolder>;
}

export interface SentFolder {
  /** Messages with exactly this Message-ID, about as large, that came in since that day; the newest of many. */
  find(messageId: string, since: Date, size: number): Promise<readonly Lying[]>;
  /** Stores it, read, with this date. */
  append(message: Buffer, at: Date): Promise<void>;
  /**
   * Takes one that was found away for good, its flags given to another one. False where the server can't take away a single message
   * (no UIDPLUS): nothing is done then.
   */
  replace(twin: Lying, by: Lying): Promise<boolean>;
  close(): void;
}
