/** Imported before a test of the stores: from then on what it calls fresh is made in a PostgreSQL of the lab's, a database for each. */
import t from 'tap';
import { type PostgresSettings, postgresSettings } from '../../bridge/store/postgres/connection.ts';
import { TABLE_SCHEMA } from '../../bridge/store/postgres/schema-names.ts';
import { migrateState, openPostgresState } from '../../bridge/store/postgres/state-db.ts';
import { openPostgresSubmissions } from '../../bridge/store/postgres/submissions-db.ts';
import { openPostgresTable } from '../../bridge/store/postgres/table-db.ts';
import { migrateTable } from '../../bridge/store/postgres/table-schema.ts';
import { startPostgresql } from '../../config/lab/postgresql.ts';
import { makesStoresBy } from './fresh.ts';

export const lab = await startPostgresql();
t.teardown(() => lab.stop());

function settingsOf(name: string): PostgresSettings {
  const url = `postgres://postgres@:${lab.port}/${name}?host=${lab.socketDirectory}`;
  const settings = postgresSettings({ database: url, databasePasswordFile: '/nowhere' }, {});
  if (settings === undefined) throw new Error('no settings');
  return settings;
}

/** A new database, without anything in it. */
export async function freshDatabase(): Promise<PostgresSettings> {
  return settingsOf(await lab.createDatabase());
}

let template: Promise<string> | undefined;
let copies = 0;

/** A new database with both schemas, as `mandat init` makes them. */
export async function madeDatabase(): Promise<PostgresSettings> {
  template ??= freshDatabase().then(async (settings) => {
    await migrateTable(settings);
    await migrateState(settings);
    return settings.database;
  });
  const name = `made${++copies}`;
  await lab.sql('postgres', `CREATE DATABASE ${name} TEMPLATE ${await template} STRATEGY file_copy`);
  return settingsOf(name);
}

/** As the superuser's psql prints it. */
export const psql = (settings: PostgresSettings, query: string) => lab.sql(settings.database, query);

makesStoresBy(async (t, options) => {
  const settings = await madeDatabase();
  const another = async () => {
    const table = await openPostgresTable(settings, options);
    t.teardown(() => table.close());
    return table;
  };
  const state = await openPostgresState(settings);
  t.teardown(() => state.close());
  return {
    table: await another(),
    state,
    another,
    submissions: async () => {
      const store = await openPostgresSubmissions(settings);
      t.teardown(() => store.close());
      return store;
    },
    sql: async (text) => {
      const said = await psql(settings, `SET search_path TO ${TABLE_SCHEMA}; ${text}`);
      return said === '' ? [] : said.split('\n');
    },
  };
});
