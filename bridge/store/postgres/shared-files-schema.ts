/**
 * What one machine has imported for all of a site (the directory, the white list): the newest file of each name, in portions, with its digest.
 * `upload` tells portions of one upload from those of another, which may be going on, or have been killed.
 */
const WORDS = 'text COLLATE "C" NOT NULL';

export const sharedFiles1 = `
CREATE TABLE shared_files (name text COLLATE "C" PRIMARY KEY, upload ${WORDS}, digest ${WORDS}, size bigint NOT NULL, imported ${WORDS}, host ${WORDS});
CREATE TABLE shared_portions (name ${WORDS}, upload ${WORDS}, part bigint NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (name, upload, part));
`;
