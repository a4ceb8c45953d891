/**
 * A connection to the site's PostgreSQL: the one file that knows node-postgres, which is loaded only where the configuration names such a
 * database. Values come as SQLite has them: whole numbers as numbers (none that can't be held exactly), truth as 1 or 0.
 */
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { type Dialect, PostgresDialect } from 'kysely';
import type { Client, ClientConfig, Pool, PoolConfig } from 'pg';
import { type DatabasePlace, databasePlace } from '../../../config/database-url.ts';
import { DATABASE_PASSWORD, readSecret, type SecretSource } from '../../../config/secret.ts';
import { BUSY_MS } from '../files/busy.ts';
import type { Admission } from './admission.ts';
import { patient } from './patience.ts';
import { connectionName } from './worker-row.ts';

export interface PostgresSettings extends DatabasePlace {
  /** For people, and no secret: `postgres://mandat@db.example.org/mandat`. */
  readonly shown: string;
  /** PEM file of the authorities to trust, instead of the public ones. */
  readonly caFile: string | undefined;
  /** Asked for when PostgreSQL asks. Throws ConfigError. */
  readonly password: () => string;
  /** How long what was asked may remain without any answer, in milliseconds. Default: half a minute. */
  readonly silenceMs?: number;
  /** What each new connection is asked before anything else; not given: nothing. */
  readonly admission?: Admission | undefined;
}

/** Of the configuration. */
interface Named {
  readonly database?: string | undefined;
  readonly databasePasswordFile: string;
  readonly databaseCaFile?: string | undefined;
}

/** Undefined where the table is a file. */
export function postgresSettings(config: Named, env: SecretSource['env'] = process.env): PostgresSettings | undefined {
  const { database, databasePasswordFile: file, databaseCaFile: caFile } = config;
  if (database === undefined) return undefined;
  const place = databasePlace(database);
  const shown = database.replace(/\?.*$/, place.host.startsWith('/') ? ` at ${place.host}` : '');
  return { ...place, shown, caFile, password: () => readSecret({ ...DATABASE_PASSWORD, file, env }) };
}

/** Connections that one part of this program has open at once, at most. */
const MOST_CONNECTIONS = 5;

/** How long a connection beyond the first is kept unused, in milliseconds. */
const IDLE_MS = 60_000;

/** How long it is tried to connect, in milliseconds; and how long what was sent may remain without any answer. */
const CONNECT_MS = 10_000;
const SILENCE_MS = 30_000;

/** A connection that is idle is asked for so often whether the other side is still there, by TCP. In milliseconds. */
const KEEP_ALIVE_MS = 10_000;

/** A transaction of ours that does nothing for so long is ended by PostgreSQL: whoever stopped in the middle of it keeps nobody from writing. */
const IDLE_IN_TRANSACTION_MS = 30_000;

export interface PoolOptions {
  /** In which schemas names are looked for, in this order; of pg_catalog's, none is hidden. */
  readonly schemas: readonly string[];
  readonly most?: number | undefined;
  /** How long a lock that somebody else has is waited for, in milliseconds. */
  readonly patienceMs?: number | undefined;
  readonly readonly?: boolean | undefined;
  /** False: a commit waits for no disk. It outlives this process, and may be lost with the server's machine. */
  readonly durable?: boolean | undefined;
  /** The token of whoever works there (worker-row.ts). */
  readonly worker?: string | undefined;
  /** How long an answer, or a connection, may take, in milliseconds. */
  readonly silenceMs?: number | undefined;
}

/** Connects when it is first asked. */
export async function postgresPool(settings: PostgresSettings, options: PoolOptions): Promise<Pool> {
  const { Pool, Client } = await nodePostgres();
  const pool = new Pool({
    ...(await clientConfig(settings, options)),
    Client: class extends Client {
      constructor(config?: ClientConfig) {
        super(config);
        patient(this);
      }
    },
    max: options.most ?? MOST_CONNECTIONS,
    min: 1, // what is urgent finds a connection that stands
    idleTimeoutMillis: IDLE_MS,
    allowExitOnIdle: true,
    onConnect: async (client) => settings.admission?.admit(client),
  } satisfies PoolConfig);
  pool.on('error', () => {}); // of a connection that nobody is using: the next query has a new one
  // Cut between two statements of a transaction, it says so at the next one; without a listener the process would end.
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('connect', (client) => ownBackends.add(backendOf(client)));
  pool.on('remove', (client) => ownBackends.delete(backendOf(client)));
  return pool;
}

/** PostgreSQL's process ids of this program's connections: what they commit is no news. */
export const ownBackends = new Set<number>();

/** node-postgres has it of the protocol's BackendKeyData; its types don't. */
const backendOf = (client: unknown): number => (client as { readonly processID?: number }).processID ?? 0;

/** A connection of its own, not yet connected: to listen, or to hold a lock for as long as it lasts. Connecting rejects where the database is another site's. */
export async function postgresClient(settings: PostgresSettings, options: PoolOptions): Promise<Client> {
  const client = patient(new (await nodePostgres()).Client(await clientConfig(settings, options)));
  const { admission } = settings;
  if (admission === undefined) return client;
  const connect = client.connect.bind(client);
  const connecting = async () => {
    await connect();
    try {
      await admission.whose(client);
    } catch (error) {
      void client.end().catch(() => {}); // not waited for: that it ends is heard after why
      throw error;
    }
    return client;
  };
  return Object.assign(client, { connect: connecting as Client['connect'] });
}

export function postgresDialect(settings: PostgresSettings, options: PoolOptions): Dialect {
  return new PostgresDialect({ pool: () => postgresPool(settings, options) });
}

/** What node-postgres connects with. Nothing is taken from PG* in the environment. */
async function clientConfig(settings: PostgresSettings, options: PoolOptions): Promise<ClientConfig> {
  const { host, port, user, database, password } = settings;
  const session = {
    search_path: options.schemas.join(','),
    timezone: 'UTC',
    lock_timeout: options.patienceMs ?? BUSY_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    default_transaction_read_only: options.readonly === true ? 'on' : 'off',
    ...(options.durable === false ? { synchronous_commit: 'off' } : {}),
    client_connection_check_interval: 5000, // what nobody waits for any more ends
    // Whoever is gone without a word, with their machine, has no lock left half a minute later.
    tcp_keepalives_idle: 10,
    tcp_keepalives_interval: 5,
    tcp_keepalives_count: 4,
    default_transaction_isolation: 'read\\ committed',
    ...(options.worker === undefined ? {} : { 'mandat.worker': options.worker }),
  };
  return {
    host,
    port,
    user,
    database,
    password,
    ssl: tlsOptions(settings),
    application_name: options.worker === undefined ? 'mandat' : connectionName(options.worker),
    options: Object.entries(session)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    connectionTimeoutMillis: options.silenceMs ?? CONNECT_MS,
    query_timeout: options.silenceMs ?? settings.silenceMs ?? SILENCE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    types: await types(),
  };
}

function tlsOptions({ tls, caFile }: PostgresSettings): false | ConnectionOptions {
  if (tls === 'disable') return false;
  const options: ConnectionOptions = {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(tls === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
  };
  if (caFile === undefined) return options;
  let ca = readFileSync(caFile, 'utf8');
  // Each connection has the authorities of now: they may change while we run.
  return Object.defineProperty(options, 'ca', {
    enumerable: true,
    get: () => {
      try {
        ca = readFileSync(caFile, 'utf8');
      } catch {} // half replaced: those of before
      return ca;
    },
  });
}

/** Only where it is needed: commands on a file don't wait for it. */
const nodePostgres = () => import('pg');

const BOOL = 16;
const INT8 = 20;

async function types(): Promise<NonNullable<ClientConfig['types']>> {
  const { types: known } = await nodePostgres();
  const parser = (oid: number, format: 'text' | 'binary' = 'text') => {
    if (format === 'text' && oid === INT8) return exactNumber;
    if (format === 'text' && oid === BOOL) return (value: string) => (value === 't' ? 1 : 0);
    return known.getTypeParser(oid, format);
  };
  return { getTypeParser: parser as NonNullable<ClientConfig['types']>['getTypeParser'] };
}

/** Ids and versions end at 2^52 in the table (its rules); what is beyond can only be somebody's mistake, and must not become another's id. */
function exactNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${text} is beyond what can be held exactly`);
  return number;
}
