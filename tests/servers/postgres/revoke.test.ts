/** The revoke of reconcile-revoke.test.ts, with the table in PostgreSQL. */
import '../on-postgresql.ts';

await import('../reconcile-revoke.test.ts');
