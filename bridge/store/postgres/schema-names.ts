/**
 * The schemas of mandat's in a site's PostgreSQL: as delegation.db, state.db and sender.db are files.
 *
 * Locks, in the one order in which they may be held at the same time: 1. whose turn it is to write the table (the row of `counters`), 2. whose turn
 * it is to write what is ours (an advisory lock, state-db.ts), 3. the filters' among themselves (submissions-db.ts). A write to one store is over
 * before the other is written: two connections of one process that waited for one another would never be noticed by PostgreSQL. Reading waits for
 * none of them.
 */

/** What other programs read and write, too. */
export const TABLE_SCHEMA = 'mandat';

/** Ours alone: only the role that made it gets in. */
export const STATE_SCHEMA = 'mandat_private';

/** What Postfix reads: a view, with the rules of all servers below it. */
export const SENDER_SCHEMA = 'mandat_sender';
