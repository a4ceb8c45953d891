/** The same as on a file. */
import '../on-postgresql.ts';
import '../state/facts.test.ts';
