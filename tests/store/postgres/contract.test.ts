/**
 * The contract of the two stores, on PostgreSQL: each operation, each rule, writers beside one another (contract-table.test.ts is the other half).
 * Where the two differ is named at the head of each of these files.
 */
import '../on-postgresql.ts';

// One after the other: what is imported beside a module that awaits something would begin without it.
await import('../contract/rules.test.ts');
await import('../contract/values.test.ts');
await import('../contract/writers.test.ts');
await import('../contract/untouched.test.ts');
await import('../contract/sidecars-reading.test.ts');
