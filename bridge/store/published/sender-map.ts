/**
 * The sender rules as Postfix reads them: a SQLite file of its own, `sender_login(address, login)`, through `proxy:sqlite:`.
 *
 * Any error in a lookup kills the smtpd that made it, and would lock everybody out. So the file is in WAL mode, in a directory
 * of its own that group postfix may write (2770, file 0660): then a lookup succeeds while we publish, after a clean stop (which
 * removes -wal and -shm), after SIGKILL in mid-publish, and when no sidecar ever ran. A dead sidecar blocks nobody. R1, R31.
 *
 * What remains: who closes the file as the last that has it open, or opens it as the first, holds it alone for a fraction of a
 * millisecond, and a lookup that opens it in just that moment fails. A running sidecar has it open all the time, so that this can
 * happen only while none runs, to a Postfix that has just started or has been idle for minutes.
 */
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { hasRule, type SenderRule } from '../../../acl/desired.ts';
import type { SenderChange, SenderPublisher } from '../../reconcile/driver-interfaces.ts';
import { Failure } from '../../shared/failure.ts';
import { makeDirectory } from '../files/directories.ts';
import { logSync } from '../files/log-sync.ts';
import { refuseLink, setModeAndGroup } from '../files/no-follow.ts';
import { explained } from '../files/open.ts';
import { COPIED_TABLES, type Copied, copiedMap, noteBehind } from './copied-map.ts';

export const SENDER_FILE = 'sender.db';
const WHAT = 'the sender map';
const BUSY_MS = 5000;

export interface PublishedMap extends SenderPublisher {
  publish(mailboxId: number, rules: readonly SenderRule[]): SenderChange;
  /** Resolves when all that was published before this call is on the disk. */
  reached(): Promise<void>;
  mailboxIds(after: number, most: number): readonly number[];
  /** Another after every change, by this connection or another program. */
  version(): string;
  /** Every rule, for verify. */
  all(): readonly (SenderRule & { readonly mailboxId: number })[];
  /** For a copy of it elsewhere, which is brought up to date mailbox by mailbox (bridge/sender/postgres-rules.ts). */
  readonly copied: Copied;
  close(): void;
}

/** Makes directory and file with their modes when they aren't there, and sets the modes right when they are. */
export function prepareSenderMap(directory: string, gid: number | undefined): void {
  try {
    makeDirectory(directory, 0o700); // its group and mode below, which say what is wrong where they can't be set
    const file = join(directory, SENDER_FILE);
    if (existsSync(file)) refuseForeign(file); // before anything is altered
    ensure(directory, 0o2770, gid);
    if (!existsSync(file)) {
      closeSync(openSync(file, 'ax', 0o660));
    }
    ensure(file, 0o660, gid); // before WAL begins: -wal and -shm take this mode over
    for (const side of [`${file}-wal`, `${file}-shm`]) if (existsSync(side)) ensure(side, 0o660, gid); // those that are there stay
    refuseLink(file);
    const database = new Database(file, { timeout: BUSY_MS });
    try {
      database.pragma('journal_mode = WAL');
      database.exec(`CREATE TABLE IF NOT EXISTS sender_login (address TEXT NOT NULL, login TEXT NOT NULL, mailbox INTEGER NOT NULL,
        PRIMARY KEY (address, login)) STRICT, WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS sender_login_mailbox ON sender_login (mailbox);
        ${COPIED_TABLES}`);
    } finally {
      database.close();
    }
  } catch (error) {
    throw explained(error, directory, WHAT);
  }
}

/** Ours holds one table, with these columns, or nothing yet; an administrator may have made it with config/postfix/sender.sql. */
function refuseForeign(file: string): void {
  refuseLink(file);
  const database = new Database(file, { timeout: BUSY_MS });
  const names = (query: string) => database.prepare(query).pluck().all();
  let tables: unknown[];
  let columns: unknown[];
  try {
    tables = names("SELECT name FROM sqlite_schema WHERE type = 'table'");
    columns = names("SELECT name FROM pragma_table_info('sender_login')");
  } finally {
    database.close();
  }
  if (tables.length === 0 || (tables.includes('sender_login') && columns.join() === 'address,login,mailbox')) return;
  throw new Failure(
    'config',
    `${file} is a database, but not ${WHAT}`,
    'check data_dir, or move this file away; it was left as it is',
  );
}

/**
 * Directories on the way to the map that the group may not pass through, by what their modes say: every lookup would fail there,
 * and every user of the submission service be refused. An account may have other ways in, so this is for a warning.
 */
export function impassable(directory: string, gid: number): readonly string[] {
  const parent = dirname(directory);
  if (parent === directory) return [];
  const stat = statSync(parent);
  const passes = (stat.mode & (stat.gid === gid ? 0o010 : 0o001)) !== 0;
  return [...impassable(parent, gid), ...(passes ? [] : [parent])];
}

export function senderMapExists(directory: string): boolean {
  return existsSync(join(directory, SENDER_FILE));
}

function ensure(path: string, mode: number, gid: number | undefined): void {
  try {
    setModeAndGroup(path, mode, gid);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      'config',
      `${path} can't be given to the group that Postfix reads it with, or not the mode ${mode.toString(8)}`,
      'run the sidecar as a user who is in that group ([sender_rules] group); "mandat init" as root sets both right',
      { cause: error },
    );
  }
}

export function openSenderMap(directory: string, options: { readonly readonly?: boolean } = {}): PublishedMap {
  const file = join(directory, SENDER_FILE);
  const database = connect(file, options.readonly === true);
  const log = logSync(database);
  const rulesOf = database.prepare<[number], SenderRule>(
    'SELECT address, login FROM sender_login WHERE mailbox = ? ORDER BY address, login',
  );
  const rulesAt = database.prepare<[string, number], SenderRule & { readonly mailboxId: number }>(
    'SELECT address, login, mailbox AS mailboxId FROM sender_login WHERE address = ? AND mailbox <> ? ORDER BY login',
  );
  const changes = database.prepare('SELECT total_changes()').pluck();
  const publish = (mailboxId: number, rules: readonly SenderRule[]): SenderChange => {
    const there = rulesOf.all(mailboxId);
    const added = rules.filter((rule) => !hasRule(there, rule));
    const removed = there.filter((rule) => !hasRule(rules, rule));
    if (added.length + removed.length === 0) return { added, removed };
    // Here, not above: these lock the database for writing, and a mailbox without changes must not.
    const insert = database.prepare('INSERT OR REPLACE INTO sender_login (address, login, mailbox) VALUES (?, ?, ?)');
    const remove = database.prepare('DELETE FROM sender_login WHERE address = ? AND login = ? AND mailbox = ?');
    database
      .transaction(() => {
        for (const { address, login } of removed) remove.run(address, login, mailboxId);
        for (const { address, login } of added) insert.run(address, login, mailboxId);
        noteBehind(database, mailboxId);
      })
      .immediate();
    return { added, removed };
  };
  return {
    publish: (mailboxId, rules) => guarded(file, () => publish(mailboxId, rules)),
    reached: async () => log?.reached(),
    rules: (mailboxId) => guarded(file, () => rulesOf.all(mailboxId)),
    othersAt: (addresses, mailboxId) =>
      guarded(file, () => addresses.flatMap((address) => rulesAt.all(address, mailboxId))),
    mailboxIds: (after, most) =>
      guarded(
        file,
        () =>
          database
            .prepare('SELECT DISTINCT mailbox FROM sender_login WHERE mailbox > ? ORDER BY mailbox LIMIT ?')
            .pluck()
            .all(after, most) as number[],
      ),
    all: () =>
      guarded(file, () =>
        database
          .prepare<[], SenderRule & { mailboxId: number }>(
            'SELECT address, login, mailbox AS mailboxId FROM sender_login ORDER BY address, login',
          )
          .all(),
      ),
    copied: copiedMap(database, (work) => guarded(file, work)),
    version: () => guarded(file, () => `${database.pragma('data_version', { simple: true })}.${changes.get()}`),
    close: () => {
      void log?.close();
      database.close();
    },
  };
}

function connect(file: string, readonly: boolean): Database.Database {
  if (!existsSync(file)) {
    throw new Failure('config', `${WHAT} is not there: ${file}`, 'run "mandat init" or start the sidecar');
  }
  return guarded(file, () => {
    refuseLink(file);
    const database = new Database(file, { timeout: BUSY_MS, readonly });
    if (!readonly) database.pragma('synchronous = FULL');
    return database;
  });
}

function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explained(error, file, WHAT);
  }
}
