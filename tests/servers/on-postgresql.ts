/** Imported before a test of a site: from then on its sites keep their table in a PostgreSQL of the lab's, each in a database of a role of its own. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { type Postgresql, startPostgresql } from '../../config/lab/postgresql.ts';
import { keepsSitesIn } from './site-store.ts';

export const postgresql: Postgresql = await startPostgresql({ extra: 'synchronous_commit = on' }); // what is committed outlives a kill
t.teardown(() => postgresql.stop());

/** Of the last site. */
export const last = { database: '' };

let sites = 0;

keepsSitesIn(async ({ etc }) => {
  const database = await postgresql.createDatabase();
  const role = `mandat${++sites}`;
  const secret = `pw-${role}`;
  await postgresql.sql(
    database,
    `CREATE ROLE ${role} LOGIN CREATEROLE PASSWORD '${secret}'; ALTER DATABASE ${database} OWNER TO ${role}`,
  );
  await writeFile(path.join(etc, 'database.secret'), `${secret}\n`, { mode: 0o600 });
  last.database = database;
  return {
    toml: `database = "postgres://${role}@127.0.0.1:${postgresql.port}/${database}"`,
    sql: async (query) => {
      const said = await postgresql.sql(database, `SET search_path = mandat; ${query}`);
      return said === '' ? '' : `${said}\n`;
    },
  };
});
