/**
 * Who shares with whom, for Dovecot, in an SQLite database of its own: `share(recipient, owner)`. What concerns one person is found by an index,
 * however many shares there are.
 *
 * A share that is set is on disk before {@link ShareStore.commit} returns. One that is taken away is written a second later at most, because at
 * each change of an owner's ACLs Dovecot takes away each of their shares and sets it again at once (its rebuild compares `user/bob` with
 * `user/bob/alice`, 2.3.19 and 2.4.1): written as told, that were two waits for the disk for each delegate, and a moment without the share for all
 * of them. What is lost of this with the machine is a row too many, of somebody whom the ACL shows nothing; Dovecot takes it away again at
 * that owner's next change.
 */
import type Database from 'better-sqlite3';
import { type FileKind, migrate, open } from '../store/files/open.ts';
import { keyOf, type Share } from './share-key.ts';

export const SHARES: FileKind = {
  what: 'the list of who shares with whom',
  applicationId: 0x6d616e37, // "man7"
  mode: 0o600,
  migrations: [
    `CREATE TABLE share (recipient TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (recipient, owner)) STRICT, WITHOUT ROWID;
     CREATE INDEX share_owner ON share (owner, recipient);`,
  ],
};

export interface Change {
  readonly share: Share;
  readonly there: boolean;
}

export interface ShareStore {
  /** To whom this owner's mailbox is shared, after `after`; those that are about to go, too. */
  by(owner: string, after: string, most: number): readonly Share[];
  /** What this recipient (`user/LOGIN`, `anyone`) is shown, after the owner `after`. */
  with(recipient: string, after: string, most: number): readonly Share[];
  has(share: Share): boolean;
  /** One after the other, all or none. Throws what SQLite says. */
  commit(changes: readonly Change[]): void;
  /** Writes what is to be taken away, now. */
  settle(): void;
  count(): number;
  close(): void;
}

/** So long a share that is taken away stays, in case it is set again; ms. */
const LATE_MS = 1000;
/** So many wait for that; then all are written. */
const MOST_LATE = 10_000;

/** Makes the file where there is none. `failed`: is told what kept removals, which nobody waits for, from being written. */
export function openShareStore(file: string, failed: (error: unknown) => void): ShareStore {
  migrate(file, SHARES);
  const database = open(file, SHARES, { writes: true });
  const statements = prepared(database);
  const leaving = new Map<string, Share>();
  let timer: NodeJS.Timeout | undefined;

  const settle = () => {
    clearTimeout(timer);
    timer = undefined;
    if (leaving.size === 0) return;
    const gone = [...leaving.values()];
    leaving.clear(); // what can't be written now stays a row too many
    database.transaction(() => gone.forEach(({ to, from }) => void statements.remove.run(to, from))).immediate();
  };
  const settleLater = () => {
    try {
      settle();
    } catch (error) {
      failed(error);
    }
  };

  const has = ({ to, from }: Share) => statements.has.get(to, from) !== undefined;
  return {
    by: (owner, after, most) => statements.by.all(owner, after, most),
    with: (recipient, after, most) => statements.with.all(recipient, after, most),
    has: (share) => !leaving.has(keyOf(share)) && has(share),
    commit: (changes) => {
      const last = new Map(changes.map((change) => [keyOf(change.share), change]));
      const added = [...last.values()].filter(({ share, there }) => there && !has(share));
      if (added.length > 0)
        database
          .transaction(() => added.forEach(({ share: { to, from } }) => void statements.add.run(to, from)))
          .immediate();
      for (const [key, { share, there }] of last) {
        if (there) leaving.delete(key);
        else if (has(share)) leaving.set(key, share);
      }
      if (leaving.size >= MOST_LATE) settleLater();
      else if (leaving.size > 0) timer ??= setTimeout(settleLater, LATE_MS);
    },
    settle,
    count: () => statements.count.get() as number,
    close: () => {
      settleLater();
      database.close();
    },
  };
}

function prepared(database: Database.Database) {
  const columns = 'recipient AS "to", owner AS "from"';
  return {
    by: database.prepare<[string, string, number], Share>(
      `SELECT ${columns} FROM share WHERE owner = ? AND recipient > ? ORDER BY recipient LIMIT ?`,
    ),
    with: database.prepare<[string, string, number], Share>(
      `SELECT ${columns} FROM share WHERE recipient = ? AND owner > ? ORDER BY owner LIMIT ?`,
    ),
    has: database.prepare<[string, string]>('SELECT 1 FROM share WHERE recipient = ? AND owner = ?'),
    add: database.prepare<[string, string]>('INSERT OR IGNORE INTO share (recipient, owner) VALUES (?, ?)'),
    remove: database.prepare<[string, string]>('DELETE FROM share WHERE recipient = ? AND owner = ?'),
    count: database.prepare('SELECT count(*) FROM share').pluck(),
  };
}
