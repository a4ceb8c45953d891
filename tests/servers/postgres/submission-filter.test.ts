/** The submission filter, as in submission-filter.test.ts, with the table in PostgreSQL. */
import '../on-postgresql.ts';

await import('../submission-filter.test.ts');
