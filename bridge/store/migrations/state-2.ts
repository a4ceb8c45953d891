/** state.db, version 2: a grant no longer lists the folders before its first write when they are known from an earlier look. */
export const state2 = `
-- Ids of an account's folders as last listed, JSON.
CREATE TABLE folders_seen (
  server TEXT NOT NULL, owner_login TEXT NOT NULL, ids TEXT NOT NULL, PRIMARY KEY (server, owner_login)) STRICT;

-- JSON: the rights that we have written into INBOX's entry while folders_before is there. What a folder that was born since shows
-- is a copy of ours when it is among these.
ALTER TABLE ledger ADD COLUMN given TEXT NOT NULL DEFAULT '[]';
`;
