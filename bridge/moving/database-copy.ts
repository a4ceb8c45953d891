/** `mandat database copy`: which two ends there are, and that both are what they should be before anything is copied and afterwards. */
import { existsSync } from 'node:fs';
import type { Config } from '../../config/schema.ts';
import { openTable, type Placed, postgresOf, tableDifferences } from '../configured/stores.ts';
import { Failure } from '../shared/failure.ts';
import type { DataFiles } from '../store/files/data-files.ts';
import { holderPid } from '../store/files/lock.ts';
import { type PostgresSettings, postgresSettings } from '../store/postgres/connection.ts';
import { explainedPostgres } from '../store/postgres/failures.ts';
import type { RolesReport } from '../store/postgres/roles.ts';
import type { Writer } from '../store/table/delegation-db.ts';
import { noteEvent } from '../store/table/events.ts';
import { describeDifferences } from '../store/table/schema.ts';
import { headFileOf } from '../store/trail/seal-head.ts';
import { existingSealKey } from '../store/trail/sealing.ts';
import type { From, To } from './ends.ts';
import { filesTo, install, installing } from './files-destination.ts';
import { filesFrom } from './files-source.ts';
import { type Moved, type Moving, move } from './move.ts';
import { postgresTo } from './postgres-destination.ts';
import { postgresFrom } from './postgres-source.ts';

export interface Asked {
  readonly config: Config;
  readonly files: DataFiles;
  /** `files`, or an address that is a good one. */
  readonly to: string;
  readonly passwordFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly writer: Writer;
  /** `goesOn`: an earlier one. */
  readonly begun: (from: string, to: string, goesOn: boolean) => void;
  readonly agreed: Moving['agreed'];
  readonly told: Moving['told'];
}

export interface Done {
  /** Undefined where an earlier one had come so far that only its last step was left. */
  readonly moved: Moved | undefined;
  readonly aside: string | undefined;
  /** Who else gets in, in PostgreSQL. */
  readonly roles: RolesReport | undefined;
}

/** Undefined where it wasn't agreed to. */
export async function copyDatabase(asked: Asked): Promise<Done | undefined> {
  const { config, files, to } = asked;
  const now = () => new Date();
  if (to === 'files') {
    const settings = await postgresOf(config);
    if (settings === undefined) {
      throw same('the databases are in files already: mandat.toml names no other', 'name in "database" where they are');
    }
    if (config.senderRules !== undefined && [config.senderRules.kind].flat().includes('postfix-pgsql')) {
      throw new Failure(
        'refused',
        'Postfix asks a view in that PostgreSQL who may send as whom ([sender_rules] kind "postfix-pgsql"): nobody would keep it up to date',
        'let Postfix ask the map in a file first (config/postfix/), and take "postfix-pgsql" out of mandat.toml',
        { rule: 'MANDAT_POSTGRESQL' },
      );
    }
    const place: Placed = { ...config, database: undefined };
    if (installing(files)) {
      const aside = install(files, now());
      await noted(place, asked, settings.shown, files.directory);
      return { moved: undefined, aside, roles: undefined };
    }
    const staying = { server: config.server.name, sidecar: holderPid(files.lock) };
    const from = await postgresFrom(settings, shownFiles(files), () => now().toISOString(), staying);
    return explaining(settings, () =>
      between(
        from,
        async () => filesTo(files, now),
        asked,
        place,
        async () => undefined,
      ),
    );
  }
  const place: Placed = {
    ...config,
    database: to,
    databasePasswordFile: asked.passwordFile ?? config.databasePasswordFile,
    databaseCaFile: asked.caFile ?? config.databaseCaFile,
  };
  const settings = postgresSettings(place);
  if (settings === undefined) throw new Error('no settings');
  if (config.database !== undefined) {
    throw same(
      'the databases are in PostgreSQL already: mandat.toml names one',
      'to copy what is in files, take "database" out of it until the copy is done; from one PostgreSQL to another: pg_dump, docs/postgresql.md',
    );
  }
  const from = filesFrom(files, settings.shown, () => now().toISOString());
  let roles: (() => Promise<RolesReport>) | undefined;
  const destination = async () => {
    const made = await postgresTo(settings, now);
    roles = made.roles;
    return made;
  };
  return explaining(settings, () => between(from, destination, asked, place, async () => roles?.()));
}

export const shownFiles = ({ directory }: Pick<DataFiles, 'directory'>) => `files in ${directory}`;

/** Also where the connection is lost in the midst of a portion. */
async function explaining<T>(settings: PostgresSettings, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainedPostgres(error, settings, 'the delegation table');
  }
}

async function between(
  from: From,
  destination: () => Promise<To>,
  asked: Asked,
  place: Placed,
  roles: () => Promise<RolesReport | undefined>,
): Promise<Done | undefined> {
  const { files, begun, agreed, told } = asked;
  let to: To | undefined;
  try {
    if (!existsSync(files.sealKey)) {
      throw new Failure(
        'config',
        `${files.sealKey} is not there: the audit trail can't be proven`,
        'run "mandat init"',
      );
    }
    to = await destination().catch((error: unknown) => {
      throw from.closed && error instanceof Failure && error.rule === 'MANDAT_IN_PLACE' ? whole(from, place) : error;
    });
    begun(from.shown, to.shown, to.goesOn);
    const key = existingSealKey(files.sealKey);
    const moved = await move({ from, to, key, headFile: headFileOf(files.sealKey), agreed, told });
    if (moved === undefined) return undefined;
    const admitted = await roles();
    await noted(place, asked, from.shown, to.shown);
    return { moved, aside: moved.aside, roles: admitted };
  } finally {
    await to?.end();
    await from.end();
  }
}

/** With the rules as released, looked at as every command does; in its trail. */
async function noted(place: Placed, { files, writer }: Asked, from: string, to: string): Promise<void> {
  const changed = await tableDifferences(place);
  if (changed.length > 0) {
    throw new Failure(
      'internal',
      `it has moved to ${to}, and its rules there are not the released ones: ${describeDifferences(changed)}`,
      'name it in mandat.toml and run "mandat init --repair-rules"',
    );
  }
  const table = await openTable(place, { writes: true, key: existingSealKey(files.sealKey) });
  try {
    await noteEvent(table, writer, { action: 'database-moved', detail: { from, to } });
  } finally {
    await table.close();
  }
}

/** An earlier copy has come to its end there, and nobody heard of it: what is there is all there is, and must not be taken for something else. */
function whole({ shown }: From, { database }: Placed): Failure {
  const todo = database === undefined ? 'take "database" out of mandat.toml' : 'name it in "database" in mandat.toml';
  return new Failure(
    'refused',
    `${shown}: all of it has moved there already, and is in use there alone`,
    `nothing was changed, and nothing there may be dropped: ${todo}, look ("mandat list"), and restart the sidecar`,
    { rule: 'MANDAT_MOVED' },
  );
}

function same(message: string, hint: string): Failure {
  return new Failure('refused', message, hint, { rule: 'MANDAT_SAME_STORE' });
}
