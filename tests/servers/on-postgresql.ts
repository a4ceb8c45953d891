/** Imported before a test of a site: from then on its sites keep their table in a PostgreSQL of the lab's, each in a database of a role of its own. */
import t from 'tap';
import { type Postgresql, startPostgresql } from '../../config/lab/postgresql.ts';
import { keepSitesInPostgresql } from './site-in-postgresql.ts';

export { last } from './site-in-postgresql.ts';

export const postgresql: Postgresql = await startPostgresql({ extra: 'synchronous_commit = on' }); // what is committed outlives a kill
t.teardown(() => postgresql.stop());

keepSitesInPostgresql(() => postgresql);
