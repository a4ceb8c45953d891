/** What is killed in the middle of a pass, as in reconcile-killed.test.ts, with the table in PostgreSQL. */
import '../on-postgresql.ts';

await import('../reconcile-killed.test.ts');
