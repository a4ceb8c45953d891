/** Imported before a test of the stores: from then on what it calls fresh is made in a PostgreSQL of the lab's, a database for each. */
import t from 'tap';
import { type PostgresSettings, postgresSettings } from '../../bridge/store/postgres/connection.ts';
import { migrateState, openPostgresState } from '../../bridge/store/postgres/state-db.ts';
import { startPostgresql } from '../../config/lab/postgresql.ts';
import { makesStatesBy } from './fresh.ts';

const lab = await startPostgresql();
t.teardown(() => lab.stop());

/** A new database, without anything in it. */
export async function freshDatabase(): Promise<PostgresSettings> {
  const name = await lab.createDatabase();
  const url = `postgres://postgres@:${lab.port}/${name}?host=${lab.socketDirectory}`;
  const settings = postgresSettings({ database: url, databasePasswordFile: '/nowhere' }, {});
  if (settings === undefined) throw new Error('no settings');
  return settings;
}

/** As the superuser's psql prints it. */
export const psql = (settings: PostgresSettings, query: string) => lab.sql(settings.database, query);

makesStatesBy(async (t) => {
  const settings = await freshDatabase();
  await migrateState(settings);
  const state = await openPostgresState(settings);
  t.teardown(() => state.close());
  return state;
});
