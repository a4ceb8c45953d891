/** The two schemas of mandat's in a site's PostgreSQL: as delegation.db and state.db are two files. */

/** What other programs read and write, too. */
export const TABLE_SCHEMA = 'mandat';

/** Ours alone: only the role that made it gets in. */
export const STATE_SCHEMA = 'mandat_private';
