/**
 * The contract of the two stores, on PostgreSQL: each operation, each rule, writers beside one another. Where the two differ is named at the head of
 * each of these files.
 */
import '../on-postgresql.ts';
import '../contract/rules.test.ts';
import '../contract/values.test.ts';
import '../contract/writers.test.ts';
import '../contract/untouched.test.ts';
import '../contract/sidecars-reading.test.ts';
import '../table/delegations.test.ts';
import '../table/rows.test.ts';
import '../table/own-mailbox.test.ts';
import '../table/standing-since.test.ts';
import '../table/writer.test.ts';
import '../trail/claims.test.ts';
import '../submissions/submission-db.test.ts';
