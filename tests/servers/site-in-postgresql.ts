/** Sites of the tests keep their table in a PostgreSQL of the lab's, each in a database of a role of its own. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Postgresql } from '../../config/lab/postgresql.ts';
import { keepsSitesIn } from './site-store.ts';

/** Of the last site. */
export const last = { database: '' };

let sites = 0;

/** `port`: where mandat finds it; the server's own by default. `server`: who runs the tests' own queries, at any time. */
export function keepSitesInPostgresql(server: () => Postgresql, port = server().port): void {
  keepsSitesIn(async ({ etc }) => {
    const database = await server().createDatabase();
    const role = `mandat${++sites}`;
    const secret = `pw-${role}`;
    await server().sql(
      database,
      `CREATE ROLE ${role} LOGIN CREATEROLE PASSWORD '${secret}'; ALTER DATABASE ${database} OWNER TO ${role}`,
    );
    await writeFile(path.join(etc, 'database.secret'), `${secret}\n`, { mode: 0o600 });
    last.database = database;
    return {
      toml: `database = "postgres://${role}@127.0.0.1:${port}/${database}"`,
      sql: async (query) => {
        const said = await server().sql(database, `SET search_path = mandat; ${query}`);
        return said === '' ? '' : `${said}\n`;
      },
    };
  });
}
