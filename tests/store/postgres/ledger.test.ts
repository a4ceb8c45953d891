/** The same as on a file. */
import '../on-postgresql.ts';
import '../state/ledger.test.ts';
