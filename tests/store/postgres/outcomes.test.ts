/** The same as on a file. */
import '../on-postgresql.ts';

// One after the other: what is imported beside a module that awaits something would begin without it.
await import('../state/outcomes.test.ts');
await import('../state/api-answers.test.ts');
