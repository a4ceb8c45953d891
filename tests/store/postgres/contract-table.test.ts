/** The other half of the contract on PostgreSQL (contract.test.ts): the table's and the trail's own tests. */
import '../on-postgresql.ts';

// One after the other: what is imported beside a module that awaits something would begin without it.
await import('../table/delegations.test.ts');
await import('../table/rows.test.ts');
await import('../table/own-mailbox.test.ts');
await import('../table/standing-since.test.ts');
await import('../table/writer.test.ts');
await import('../trail/claims.test.ts');
await import('../submissions/submission-db.test.ts');
