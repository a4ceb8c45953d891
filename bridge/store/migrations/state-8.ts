/** state.db, version 8: who else has access by an entry that isn't mandat's, and since when mandat has seen it. */
export const state8 = `
CREATE TABLE other_entries (
  server TEXT NOT NULL, owner_login TEXT NOT NULL, identifier TEXT NOT NULL,
  rights TEXT NOT NULL, folders INTEGER NOT NULL, since TEXT NOT NULL,
  PRIMARY KEY (server, owner_login, identifier)) STRICT, WITHOUT ROWID;
`;
