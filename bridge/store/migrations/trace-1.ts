/**
 * A month of the trace of access, version 1: who did what in whose mailbox (bridge/trace/access.ts). Names stand once, in `names`, so that an access
 * takes few octets. Ours alone, 0600.
 */
export const trace1 = `
-- Where this file stands in the chain: behind which file, and behind which of its accesses. Ids go on from file to file.
CREATE TABLE chain (one INTEGER PRIMARY KEY CHECK (one = 1), month TEXT NOT NULL, made_at TEXT NOT NULL,
  after_file TEXT, after_id INTEGER NOT NULL, after_seal BLOB NOT NULL, seal BLOB NOT NULL) STRICT;

-- Its last access, and between which times all of them are, in ms. Vouched for by the key.
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), id INTEGER NOT NULL, seal BLOB NOT NULL,
  oldest INTEGER, newest INTEGER, mac BLOB NOT NULL) STRICT;

-- Files before this one that were deleted because they were kept for long enough; carried on from file to file.
CREATE TABLE gone (file TEXT NOT NULL PRIMARY KEY, last_id INTEGER NOT NULL, last_seal BLOB NOT NULL,
  accesses INTEGER NOT NULL, at TEXT NOT NULL, seal BLOB NOT NULL) STRICT, WITHOUT ROWID;

-- How far each source of events has been read; carried on from file to file.
CREATE TABLE marks (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- kind 1: a word (action, relation, verb, answer). 2: a login, a: its identifier, b: who opened the session in its name. 3: a mailbox, a: its owner.
-- 4: a folder, a: the mailbox. 5: a session, a: the address. 6: an IP address. 7: an identifier.
CREATE TABLE names (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, text TEXT NOT NULL, a INTEGER, b INTEGER) STRICT;
CREATE INDEX names_text ON names (kind, text, a, b) WHERE kind <> 5;

-- messages, target_set: trace/message-set.ts; the first octet of messages: 1 for numbers instead of UIDs, 2 where there were more.
-- target: a folder (same or another mailbox), or 0: in a mailbox of their own. answer: null for OK alone. delegation: null but for a delegate.
CREATE TABLE accesses (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, person INTEGER NOT NULL, session INTEGER NOT NULL,
  relation INTEGER NOT NULL, delegation INTEGER, mailbox INTEGER NOT NULL, folder INTEGER, action INTEGER NOT NULL, verb INTEGER NOT NULL,
  answer INTEGER, said INTEGER, messages BLOB, uid_validity INTEGER, target INTEGER, target_validity INTEGER, target_set BLOB,
  seal BLOB NOT NULL) STRICT;
CREATE INDEX accesses_mailbox ON accesses (mailbox);
CREATE INDEX accesses_person ON accesses (person);

-- Of each 1024 ids: between which times they are.
CREATE TABLE spans (span INTEGER PRIMARY KEY, oldest INTEGER NOT NULL, newest INTEGER NOT NULL) STRICT;
`;
