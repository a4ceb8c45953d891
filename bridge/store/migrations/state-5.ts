/** state.db, version 5: whether an account's folders differ from what was last seen, and which of them its owner has been subscribed to. */
export const state5 = `
-- A digest of names, ids and special uses as last worked on: compared at each look at the folders (bridge/folder-look.ts).
ALTER TABLE folders_seen ADD COLUMN listing TEXT;

-- While an owner has delegates: the folders that need no subscription any more, by the server's id. Those that stood before the
-- first grant, and those to which he has been subscribed since, once each. subscribed: whether he was at the last pass.
CREATE TABLE owner_folders (
  server TEXT NOT NULL, owner_login TEXT NOT NULL, folder_id TEXT NOT NULL, folder TEXT NOT NULL, subscribed INTEGER NOT NULL,
  PRIMARY KEY (server, owner_login, folder_id)) STRICT;
`;
