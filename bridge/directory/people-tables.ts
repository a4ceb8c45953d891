/** The directory of people as a file: whom PS_LibreAcces_Personne_activite lists, and where they work. R5, R18, R27. */
import type { GenerationKind } from './generation.ts';

export const PEOPLE: GenerationKind = {
  what: 'the directory',
  prefix: 'directory',
  applicationId: 0x6d616e33, // "man3"
  version: 1,
  schema: `
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE professions (code TEXT PRIMARY KEY, label TEXT NOT NULL, folded TEXT NOT NULL) STRICT;
CREATE TABLE roles (code TEXT PRIMARY KEY, label TEXT NOT NULL) STRICT;
CREATE TABLE people (
  id INTEGER PRIMARY KEY, -- IdNat_PS as a number
  last_name TEXT NOT NULL, first_name TEXT NOT NULL) STRICT;
-- One row a place and profession of a person, in the order of the people; names and city folded (lower case, no accents), as searches
-- compare them.
CREATE TABLE activities (
  person INTEGER NOT NULL, line INTEGER NOT NULL, last TEXT NOT NULL, first TEXT NOT NULL, profession TEXT NOT NULL, role TEXT NOT NULL,
  postal TEXT NOT NULL, city TEXT NOT NULL, shown_city TEXT NOT NULL, PRIMARY KEY (person, line)) STRICT, WITHOUT ROWID;
`,
  // Each begins with what a search may be narrowed by most.
  indexes: `
CREATE INDEX by_name ON activities (last, first, postal);
CREATE INDEX by_postal ON activities (postal, last);
CREATE INDEX by_city ON activities (city, last);
CREATE INDEX by_first ON activities (first, last);
PRAGMA analysis_limit = 1000;
ANALYZE;
`,
};
