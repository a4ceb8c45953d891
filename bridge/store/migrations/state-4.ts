/**
 * state.db, version 4: delegates' accounts as far as they are private, the outbox of notices, what has been told to whom, on whose
 * behalf something was done, and checkpoints of a pruned audit trail. R9, R24, R41, R42, R56.
 */
export const state4 = `
-- By delegate_id of delegation.db. contact: where notices go, confirmed. asked_*: an address that waits for its code to be typed.
CREATE TABLE accounts (
  delegate_id INTEGER PRIMARY KEY, contact TEXT, contact_since TEXT, language TEXT CHECK (language IN ('fr', 'en')),
  refuses_surveys INTEGER NOT NULL DEFAULT 0, refuses_newsletters INTEGER NOT NULL DEFAULT 0,
  asked_contact TEXT, asked_terms TEXT, asked_language TEXT CHECK (asked_language IN ('fr', 'en')),
  code_mac TEXT, code_expires_at TEXT, code_tries INTEGER NOT NULL DEFAULT 0,
  -- How many codes were mailed in the hour that began then.
  codes_asked INTEGER NOT NULL DEFAULT 0, codes_since TEXT) STRICT;

-- A second address of an owner, outside the mailbox: his delegates can delete from it. By mailbox_id of delegation.db.
CREATE TABLE owner_contacts (mailbox_id INTEGER PRIMARY KEY, contact TEXT, language TEXT CHECK (language IN ('fr', 'en'))) STRICT;

-- Notices on their way: written with the outcome that they tell of, sent by the sidecar, at least once. One event is told to one
-- recipient once. recipient null: nobody knows an address of his.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, kind TEXT NOT NULL, part TEXT NOT NULL, subject TEXT NOT NULL, mailbox TEXT,
  recipient TEXT, language TEXT NOT NULL, data TEXT NOT NULL, message_id TEXT NOT NULL, created_at TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'no-address')),
  attempts INTEGER NOT NULL DEFAULT 0, since TEXT, next_at TEXT, sent_at TEXT, error TEXT, UNIQUE (event, part, subject)) STRICT;
CREATE INDEX outbox_due ON outbox (state, next_at);

-- How each delegation (its id in delegation.db) stood when it was told of last, and of whom: by the time a revoke is told the row has gone.
CREATE TABLE told (
  delegation_id INTEGER PRIMARY KEY, mailbox_id INTEGER NOT NULL, delegate_id INTEGER NOT NULL, standing TEXT NOT NULL, why TEXT,
  ending TEXT, identifier TEXT NOT NULL, login TEXT NOT NULL, address TEXT NOT NULL, first_name TEXT, last_name TEXT, profession TEXT) STRICT;
CREATE INDEX told_mailbox ON told (mailbox_id);
-- Delegations up to this id were there before anybody was told of any; a new installation begins with none.
INSERT INTO facts SELECT 'told-from', '0' WHERE NOT EXISTS (SELECT 1 FROM facts) AND NOT EXISTS (SELECT 1 FROM outcomes);

ALTER TABLE ledger ADD COLUMN identifier TEXT;
ALTER TABLE audit ADD COLUMN on_behalf TEXT;
ALTER TABLE audit ADD COLUMN via TEXT;
CREATE INDEX audit_delegate ON audit (delegate, at);

-- The audit trail up to last_id was pruned: what its last seal was, and who had what at that time (JSON), under a seal of its own.
CREATE TABLE audit_checkpoints (
  last_id INTEGER PRIMARY KEY, at TEXT NOT NULL, entries INTEGER NOT NULL, last_at TEXT NOT NULL, last_seal TEXT NOT NULL,
  standing TEXT NOT NULL, seal TEXT NOT NULL) STRICT;

-- Both are only added to, but that what a checkpoint stands for may go. Whoever has this file can drop a trigger; the seals tell then.
CREATE TRIGGER audit_inserting BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TRIGGER audit_updating BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TRIGGER audit_deleting BEFORE DELETE ON audit WHEN OLD.id > COALESCE((SELECT max(last_id) FROM audit_checkpoints), 0)
BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TRIGGER audit_checkpoints_inserting BEFORE INSERT ON audit_checkpoints WHEN NEW.last_id <= (SELECT max(last_id) FROM audit_checkpoints)
BEGIN SELECT RAISE(ABORT, 'checkpoints are only added to'); END;
CREATE TRIGGER audit_checkpoints_updating BEFORE UPDATE ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'checkpoints are only added to'); END;
CREATE TRIGGER audit_checkpoints_deleting BEFORE DELETE ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'checkpoints are only added to'); END;
`;
