/**
 * state.db, version 11: what a pass has last seen stand for a delegate and in which folders, so that what somebody else has changed since can be
 * told from what is to be brought in line; and what was put right within the last minutes.
 */
export const state11 = `
-- Rights in INBOX that the last verified pass gave; NULL: of a pass before this version.
ALTER TABLE ledger ADD COLUMN verified_rights TEXT;
-- JSON: ids of special-use folders; NULL: not looked at since. And of folders that have come, or become special or ordinary, and that no verified
-- pass has brought in line yet; NULL where there are none.
ALTER TABLE folders_seen ADD COLUMN special TEXT;
ALTER TABLE folders_seen ADD COLUMN unsettled TEXT;

-- A row each time that an entry was put right; of the last ten minutes (bridge/store/state/repairs.ts).
CREATE TABLE repairs (
  id INTEGER PRIMARY KEY,
  server TEXT NOT NULL,
  owner_login TEXT NOT NULL,
  login TEXT NOT NULL,
  folder_id TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX repairs_of ON repairs (server, owner_login, login);
CREATE INDEX repairs_at ON repairs (at);
`;
