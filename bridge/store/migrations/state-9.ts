/**
 * state.db, version 9: what an entry of the trail only claims (who, or that it happened at all), and the delegations as the sidecar has seen
 * them last, so that a grant or a revoke gets into the trail whatever becomes of its event.
 */
export const state9 = `
ALTER TABLE audit ADD COLUMN claimed TEXT;
CREATE TABLE rows_seen (
  mailbox_id INTEGER NOT NULL, delegate_id INTEGER NOT NULL, delegation_id INTEGER NOT NULL,
  mailbox TEXT NOT NULL, delegate TEXT NOT NULL, terms TEXT NOT NULL,
  PRIMARY KEY (mailbox_id, delegate_id)) STRICT, WITHOUT ROWID;
CREATE INDEX rows_seen_mailbox ON rows_seen (mailbox);
CREATE INDEX rows_seen_delegate ON rows_seen (delegate);
`;
