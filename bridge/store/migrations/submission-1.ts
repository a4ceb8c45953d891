/** submission.db, version 1: what the submission filter has to tell, until the sidecar has sealed it; what became of each copy. R3. */
export const submission1 = `
-- Which file this is: the ids below begin anew in another one.
CREATE TABLE file (epoch TEXT NOT NULL) STRICT;
INSERT INTO file VALUES (lower(hex(randomblob(16))));

-- As the events of delegation.db.
CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT,
  action TEXT NOT NULL, mailbox TEXT, delegate TEXT, detail TEXT, on_behalf TEXT, via TEXT) STRICT;

-- One row a copy for an owner's Sent, by the nonce of its address; taken away some days after it was sent.
-- waiting: in Postfix's queue, where it stays until it is stored. failed: never to be stored.
CREATE TABLE copies (
  nonce TEXT NOT NULL PRIMARY KEY, mailbox TEXT NOT NULL, sent_at TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('waiting', 'stored', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0, tried_at TEXT, code TEXT, message TEXT, hint TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX copies_state ON copies (state, sent_at);
`;
