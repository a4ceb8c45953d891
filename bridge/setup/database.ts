/** The site's PostgreSQL, where it shall hold the table: looked at before anything is changed. Nothing is made there before `mandat init`. */
import { Kysely, sql } from 'kysely';
import { Failure } from '../shared/failure.ts';
import { postgresDialect, postgresSettings } from '../store/postgres/connection.ts';
import { explainedPostgres } from '../store/postgres/failures.ts';
import { connectedTo } from '../store/postgres/reach.ts';
import type { Answers } from './answers.ts';

/** As keys of mandat.toml; none where the table shall be a file. */
export const databaseKeys = ({ database, database_password_file, database_ca_file }: Answers) =>
  database === undefined
    ? {}
    : {
        database,
        ...(database_password_file === undefined ? {} : { database_password_file }),
        ...(database_ca_file === undefined ? {} : { database_ca_file }),
      };

/** In words what was seen; undefined where the table shall be a file. Fails where it can't be reached, or nothing could be made there. */
export async function lookAtDatabase(answers: Answers): Promise<string | undefined> {
  const settings = postgresSettings({
    database: answers.database,
    databasePasswordFile: answers.database_password_file ?? '',
    databaseCaFile: answers.database_ca_file,
  });
  if (settings === undefined) return undefined;
  // biome-ignore lint/suspicious/noExplicitAny: of no tables
  const query = new Kysely<any>({ dialect: postgresDialect(settings, { schemas: ['public'] }) });
  try {
    const { shownVersion, replica } = await connectedTo(query);
    if (replica === 1)
      throw new Failure('config', `${settings.shown} is a replica`, 'name the primary; nothing was changed');
    const { rows } = await sql<{
      readonly may: number;
    }>`SELECT has_database_privilege(current_database(), 'CREATE') AS may`.execute(query);
    if (rows[0]?.may !== 1)
      throw new Failure(
        'config',
        `user ${settings.user} may make nothing in ${settings.shown}`,
        `createdb --owner ${settings.user} ${settings.database}, as docs/postgresql.md says; nothing was changed`,
      );
    return `PostgreSQL ${shownVersion}: ${settings.shown}`;
  } catch (error) {
    throw explainedPostgres(error, settings, 'the delegation table');
  } finally {
    await query.destroy();
  }
}
