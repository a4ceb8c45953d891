-- The table that Postfix reads, as mandat itself would make it. WAL: lookups and mandat's publishing never wait for each
-- other; with a rollback journal the first lookup that meets a write fails, and ends the process that made it.
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS sender_login (
  address TEXT    NOT NULL, -- lower case, as in MAIL FROM
  login   TEXT    NOT NULL, -- the SASL login that may use it; the owner's own is listed too
  mailbox INTEGER NOT NULL, -- which mailbox's rules the row belongs to
  PRIMARY KEY (address, login)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sender_login_mailbox ON sender_login (mailbox);
