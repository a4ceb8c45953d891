/** The site's PostgreSQL, where it shall hold the table: looked at before anything is changed. Nothing is made there before `mandat init`. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Kysely, sql } from 'kysely';
import { workersSeen } from '../questions/every-server.ts';
import { Failure } from '../shared/failure.ts';
import { dataFiles } from '../store/files/data-files.ts';
import { MAIN_SERVER } from '../store/main-server.ts';
import { postgresDialect, postgresSettings } from '../store/postgres/connection.ts';
import { explainedPostgres } from '../store/postgres/failures.ts';
import { connectedTo } from '../store/postgres/reach.ts';
import { STATE_SCHEMA } from '../store/postgres/schema-names.ts';
import { fact, serversWith } from '../store/state/facts.ts';
import { agreeOn, existingSealKey } from '../store/trail/sealing.ts';
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

/** The section that names this mail server, where several share the table. */
export const serverSection = ({ server, cluster }: Answers) =>
  server === MAIN_SERVER && cluster === undefined
    ? {}
    : { server: { name: server, ...(cluster === undefined ? {} : { cluster }) } };

/** Where its password is looked for when nothing else is said: beside the configuration. */
export const passwordFile = (configFile: string) => join(dirname(configFile), 'database.secret');

/** In words what was seen; nothing where the table shall be a file. Fails where it can't be reached, nothing could be made there, or another key seals its trail. */
export async function lookAtDatabase(answers: Answers, configFile: string): Promise<readonly string[]> {
  const settings = postgresSettings({
    database: answers.database,
    databasePasswordFile: answers.database_password_file ?? passwordFile(configFile),
    databaseCaFile: answers.database_ca_file,
  });
  if (settings === undefined) return [];
  // biome-ignore lint/suspicious/noExplicitAny: of no tables
  const query = new Kysely<any>({ dialect: postgresDialect(settings, { schemas: [STATE_SCHEMA, 'public'] }) });
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
    return [`PostgreSQL ${shownVersion}: ${settings.shown}`, ...(await lookAtOthers(query, answers))];
  } catch (error) {
    throw explainedPostgres(error, settings, 'the delegation table');
  } finally {
    await query.destroy();
  }
}

/** What machines that came before have left there. */
// biome-ignore lint/suspicious/noExplicitAny: of no tables
async function lookAtOthers(query: Kysely<any>, answers: Answers): Promise<readonly string[]> {
  const { rows } = await sql<{ readonly there: number }>`SELECT to_regclass('facts') IS NOT NULL AS there`.execute(
    query,
  );
  if (rows[0]?.there !== 1) return [];
  const { sealKey } = dataFiles(answers.data_dir);
  const known = await fact({ query }, 'seal-key');
  if (known !== undefined) {
    if (!existsSync(sealKey))
      throw new Failure(
        'config',
        `another machine has set up ${answers.database} already, and the key of its audit trail is not here`,
        `copy seal.key from the private directory of its data_dir to ${sealKey}, mode 600, of the user ${answers.user}; nothing was changed`,
        { rule: 'MANDAT_SEAL_KEY' },
      );
    await agreeOn({ query }, existingSealKey(sealKey), sealKey, known);
  }
  const workers = (await workersSeen({ query })) ?? new Map();
  const names = [...new Set([...(await serversWith({ query }, 'sidecar')), ...workers.keys()])].sort();
  if (names.length === 0) return [];
  const works = workers.get(answers.server)?.works;
  const beside =
    works?.alive === true
      ? `${works.host} works on ${answers.server} already: this machine will stand by and take over when that one is gone (another mail server needs a name of its own)`
      : `this one will be called ${answers.server}`;
  return [`mandat is at work there, on the mail servers ${names.join(', ')}; ${beside}`];
}
