/** The grant of reconcile-grant.test.ts, with the table in PostgreSQL. */
import '../on-postgresql.ts';

await import('../reconcile-grant.test.ts');
