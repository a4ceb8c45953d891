/**
 * The contract of the two stores, on PostgreSQL: each operation, each rule, writers beside one another. Where the two differ is named at the head of
 * each of these files.
 */
import '../on-postgresql.ts';

// One after the other: what is imported beside a module that awaits something would begin without it.
await import('../contract/rules.test.ts');
await import('../contract/values.test.ts');
await import('../contract/writers.test.ts');
await import('../contract/untouched.test.ts');
await import('../contract/sidecars-reading.test.ts');
await import('../table/delegations.test.ts');
await import('../table/rows.test.ts');
await import('../table/own-mailbox.test.ts');
await import('../table/standing-since.test.ts');
await import('../table/writer.test.ts');
await import('../trail/claims.test.ts');
await import('../submissions/submission-db.test.ts');
