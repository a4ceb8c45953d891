/** The same as on a file. */
import '../on-postgresql.ts';
import '../state/outcomes.test.ts';
