/**
 * state.db, version 13: each mail server's sidecar notes its own outcomes, since a mailbox may be leaving one server while it comes to another;
 * and what one server has in the ledger is found without reading what the others have.
 */
export const state13 = `
CREATE TABLE outcomes_of_servers (
  server TEXT NOT NULL DEFAULT 'main', mailbox_id INTEGER NOT NULL, address TEXT NOT NULL,
  in_force_version INTEGER NOT NULL DEFAULT 0, in_force_at TEXT, verified_version INTEGER NOT NULL DEFAULT 0, verified_at TEXT,
  code TEXT, message TEXT, hint TEXT, failed_version INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, failed_at TEXT, retry_at TEXT,
  notices TEXT NOT NULL DEFAULT '[]', PRIMARY KEY (server, mailbox_id)) STRICT;
INSERT INTO outcomes_of_servers (mailbox_id, address, in_force_version, in_force_at, verified_version, verified_at, code, message, hint,
    failed_version, attempts, failed_at, retry_at, notices)
  SELECT mailbox_id, address, in_force_version, in_force_at, verified_version, verified_at, code, message, hint,
    failed_version, attempts, failed_at, retry_at, notices FROM outcomes;
DROP TABLE outcomes;
ALTER TABLE outcomes_of_servers RENAME TO outcomes;
CREATE INDEX outcomes_failing ON outcomes (server, address) WHERE code IS NOT NULL;
CREATE INDEX outcomes_noticed ON outcomes (server, address) WHERE notices <> '[]';
CREATE INDEX outcomes_in_force ON outcomes (in_force_version);
CREATE INDEX outcomes_failed ON outcomes (failed_version);
CREATE INDEX outcomes_held ON outcomes (server, mailbox_id) WHERE instr(notices, '"held"') > 0;

CREATE INDEX ledger_server ON ledger (server, mailbox_id);
DROP INDEX ledger_login;
CREATE INDEX ledger_login ON ledger (server, login, mailbox_id);
`;
