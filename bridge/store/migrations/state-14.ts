/**
 * state.db, version 14: what the HTTP API has answered to requests with an Idempotency-Key, for a day, so that one that is sent again after a
 * restart hears the same. `name`, `asker` and `question` are digests: of who asked what with which key, of who asked, of what was asked.
 */
export const state14 = `
CREATE TABLE api_answers (
  name TEXT PRIMARY KEY, asker TEXT NOT NULL, question TEXT NOT NULL, status INTEGER NOT NULL, headers TEXT NOT NULL, body TEXT NOT NULL,
  at TEXT NOT NULL) STRICT;
CREATE INDEX api_answers_at ON api_answers (at);
CREATE INDEX api_answers_asker ON api_answers (asker, at);
`;
