/** The same as on a file. */
import '../on-postgresql.ts';
import '../table/delegations.test.ts';
