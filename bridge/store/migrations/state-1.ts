/**
 * state.db, version 1: what we did about the delegations. Ours alone, 0600: no other program reads or writes it.
 * Losing it loses the knowledge of which entries are ours and what stood there before, so it belongs into the backup.
 */
export const state1 = `
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- One row per (server, owner's login, identifier as written): this pair is, or may be, on the server because of us.
-- Written before the server is touched; gone when a revoke has been verified.
CREATE TABLE ledger (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  mailbox_id INTEGER NOT NULL, delegate_id INTEGER NOT NULL, address TEXT NOT NULL,
  server TEXT NOT NULL, owner_login TEXT NOT NULL, login TEXT NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('granting', 'in-force', 'verified', 'revoking')),
  inbox_before TEXT,                -- rights of the INBOX entry that stood there before, null when there was none
  folders_before TEXT,              -- JSON: the folders' names before our first write, until their entries have been read
  cut_done INTEGER NOT NULL DEFAULT 0,
  since TEXT NOT NULL, in_force_at TEXT, verified_at TEXT,
  UNIQUE (server, owner_login, login)) STRICT;
CREATE INDEX ledger_mailbox ON ledger (mailbox_id);

-- Entries of the delegate that stood in other folders before our first write, by the server's folder id where it has one.
CREATE TABLE before_entries (
  ledger_id INTEGER NOT NULL, folder TEXT NOT NULL, folder_id TEXT, rights TEXT NOT NULL, PRIMARY KEY (ledger_id, folder)) STRICT;

-- Folders this delegate has been subscribed to, once each; ours = 0 where he was subscribed before, 2 until it is done.
CREATE TABLE subscriptions (
  ledger_id INTEGER NOT NULL, folder TEXT NOT NULL, ours INTEGER NOT NULL, PRIMARY KEY (ledger_id, folder)) STRICT;

-- The last outcome per mailbox. in_force_version and verified_version: versions of delegation.db that have been met so far.
CREATE TABLE outcomes (
  mailbox_id INTEGER PRIMARY KEY, address TEXT NOT NULL,
  in_force_version INTEGER NOT NULL DEFAULT 0, in_force_at TEXT, verified_version INTEGER NOT NULL DEFAULT 0, verified_at TEXT,
  code TEXT, message TEXT, hint TEXT, failed_version INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, failed_at TEXT, retry_at TEXT,
  notices TEXT NOT NULL DEFAULT '[]') STRICT;

-- The audit trail: drained events and what came of them, sealed in order (bridge/store/audit.ts).
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT, action TEXT NOT NULL,
  mailbox TEXT, delegate TEXT, detail TEXT, seal TEXT NOT NULL) STRICT;
`;
