/**
 * A private PostgreSQL: on a free loopback port and on a Unix socket, in a directory of its own, run by the account that Debian's package
 * made (it refuses root). Text is compared as in a natural language, not by octets: as on most sites, and unlike SQLite.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { makeCertificate } from './certificate.ts';
import { reservePorts } from './ports.ts';
import { clusterTemplate, postgresqlProgram } from './postgresql-template.ts';
import { isAlive } from './processes.ts';
import { run } from './run.ts';
import { type Server, server } from './server.ts';
import { systemUser } from './system-ids.ts';
import { waitFor } from './wait.ts';
import { startWatchdog } from './watchdog.ts';

export interface PostgresqlOptions {
  /** Default: a new one below os.tmpdir(), removed by stop(). One that is given is kept. */
  readonly directory?: string;
  /** A commit is on the disk before it is answered. Default: false, faster; only a crash of the machine would show it. */
  readonly durable?: boolean;
  /** Offer TLS, with a certificate of the lab's for localhost and 127.0.0.1. Default: false. */
  readonly tls?: boolean;
  /** More lines for postgresql.conf. */
  readonly extra?: string;
  /** A streaming replica of this one, which runs; it has its databases, roles and passwords. */
  readonly replicaOf?: Postgresql;
}

export interface Postgresql {
  readonly directory: string;
  readonly host: string;
  readonly port: number;
  /** The folder of the Unix socket: a `host` for libpq and for node-postgres. */
  readonly socketDirectory: string;
  /** Who may do everything, over TCP with a password, at the socket without one. */
  readonly superuser: { readonly user: string; readonly password: string };
  /** PEM file, with `tls`. */
  readonly certificate: string | undefined;
  readonly log: string;
  /** `postgres://user:password@127.0.0.1:port/database`; without a role: the superuser's. */
  url(database: string, role?: { readonly user: string; readonly password: string }): string;
  /** A new empty database, owned by the superuser; returns its name. */
  createDatabase(): Promise<string>;
  /** The superuser's psql: unaligned rows without heads, columns with `|`. Rejects with what the server said. */
  sql(database: string, query: string): Promise<string>;
  /** The postmaster's, while it runs. */
  readonly pid: number | undefined;
  /** Waits for nobody: connections are ended (a fast shutdown). */
  halt(): Promise<void>;
  /** As a power cut would: SIGKILL to all of it. */
  kill(): Promise<void>;
  /** Of a replica: from now on it takes writes, with what it has received so far. */
  promote(): Promise<void>;
  /** Of a replica: it receives nothing from now on, and goes on answering. */
  cutOff(): Promise<void>;
  /** After {@link Postgresql.halt} or {@link Postgresql.kill}, on the same port. */
  start(): Promise<void>;
  /** For good. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const SUPERUSER = 'postgres';
const STOP_LIMIT_MS = 15_000;
/** It may have much to recover, on a machine that is busy with other things. */
const UP_LIMIT_MS = 75_000;

/** Ready when it returns; several may run at once. Needs root, as the rest of the lab. */
export async function startPostgresql(options: PostgresqlOptions = {}): Promise<Postgresql> {
  const directory = options.directory ?? (await mkdtemp(path.join(os.tmpdir(), 'mandat-pg-')));
  const removeDirectory = options.directory === undefined;
  const watchdog = startWatchdog(directory, removeDirectory);
  const reservation = await reservePorts(1);
  const [port = 0] = reservation.ports;
  const { replicaOf } = options;
  const password = replicaOf?.superuser.password ?? randomBytes(18).toString('base64url');
  const place = {
    directory,
    port,
    socketDirectory: path.join(directory, 'socket'),
    log: path.join(directory, 'server.log'),
  };
  let running: Server | undefined;
  const stop = async () => {
    if (running !== undefined) await end(running, removeDirectory ? 'SIGQUIT' : 'SIGINT');
    await watchdog.dismiss();
    await reservation.release();
    if (removeDirectory) await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await chmod(directory, 0o755);
    const tls = options.tls === true ? await makeCertificate(directory) : undefined;
    await install(place, { ...options, certificate: tls });
    const one = postgresqlServer(place);
    running = one;
    const psql = psqlAt(place);
    const start = async () => {
      await one.start();
      await answers(place);
    };
    await start();
    if (replicaOf === undefined) await psql('postgres', `ALTER ROLE ${SUPERUSER} PASSWORD '${password}'`);
    const superuser = { user: SUPERUSER, password };
    let databases = 0;
    return {
      ...place,
      host: HOST,
      superuser,
      certificate: tls?.certificate,
      url: (database, role = superuser) =>
        `postgres://${encodeURIComponent(role.user)}:${encodeURIComponent(role.password)}@${HOST}:${port}/${database}`,
      createDatabase: async () => {
        const name = `test${++databases}`;
        await psql('postgres', `CREATE DATABASE ${name} STRATEGY file_copy`);
        return name;
      },
      sql: psql,
      get pid() {
        return one.pid;
      },
      halt: () => end(one, 'SIGINT'),
      kill: () => end(one, 'SIGKILL'),
      promote: async () => {
        await psql('postgres', 'SELECT pg_promote()');
      },
      cutOff: async () => {
        await psql('postgres', "ALTER SYSTEM SET primary_conninfo = ''");
        await psql('postgres', 'SELECT pg_reload_conf()');
        const receiving = () => psql('postgres', 'SELECT count(*) FROM pg_stat_wal_receiver');
        await waitFor('the replica to receive nothing', STOP_LIMIT_MS, async () => (await receiving()) === '0');
      },
      start,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Place = Pick<Postgresql, 'directory' | 'port' | 'socketDirectory' | 'log'>;

function dataDirectory(directory: string): string {
  return path.join(directory, 'data');
}

async function install(
  { directory, port, socketDirectory, log }: Place,
  {
    durable = false,
    certificate,
    extra = '',
    replicaOf,
  }: Omit<PostgresqlOptions, 'tls'> & { certificate: { certificate: string; key: string } | undefined },
): Promise<void> {
  const { uid, gid } = systemUser(SUPERUSER);
  const data = dataDirectory(directory);
  const logs = path.dirname(log);
  if (replicaOf === undefined) await run('cp', ['-a', await clusterTemplate(), data]);
  else await copyOf(replicaOf, data);
  await mkdir(socketDirectory, { mode: 0o755 });
  for (const one of [socketDirectory, logs]) await chown(one, uid, gid);
  if (certificate !== undefined) await chown(certificate.key, uid, gid);
  const settings = `listen_addresses = '${HOST}'
port = ${port}
unix_socket_directories = '${socketDirectory}'
external_pid_file = '${path.join(directory, 'server.pid')}'
logging_collector = on
log_directory = '${logs}'
log_filename = '${path.basename(log)}'
log_file_mode = 0644
log_statement = none
dynamic_shared_memory_type = mmap
shared_buffers = 32MB
max_connections = 60
fsync = ${durable ? 'on' : 'off'}
synchronous_commit = ${durable ? 'on' : 'off'}
full_page_writes = ${durable ? 'on' : 'off'}
${certificate === undefined ? '' : `ssl = on\nssl_cert_file = '${certificate.certificate}'\nssl_key_file = '${certificate.key}'`}
${extra}
`;
  await writeFile(path.join(data, 'lab.conf'), settings);
  await writeFile(path.join(data, 'postgresql.conf'), "include 'lab.conf'\n");
  const access = `local all ${SUPERUSER} trust
local replication ${SUPERUSER} trust
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
`;
  await writeFile(path.join(data, 'pg_hba.conf'), access);
}

/** By the very program that a site takes for it; it leaves a replica, which follows at its first start. */
async function copyOf({ socketDirectory, port }: Postgresql, data: string): Promise<void> {
  const { uid, gid } = systemUser(SUPERUSER);
  await mkdir(data, { mode: 0o700 });
  await chown(data, uid, gid);
  const from = ['-h', socketDirectory, '-p', `${port}`, '-U', SUPERUSER];
  const how = ['-D', data, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'];
  const identity = ['--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups', '--'];
  await run('setpriv', [...identity, postgresqlProgram('pg_basebackup'), ...from, ...how], { cwd: '/' });
}

function postgresqlServer({ directory, port, log }: Place): Server {
  const { uid, gid } = systemUser(SUPERUSER);
  const identity = ['--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups', '--no-new-privs'];
  return server({
    name: 'postgresql',
    argv: ['/usr/bin/setpriv', ...identity, '--', postgresqlProgram('postgres'), '-D', dataDirectory(directory)],
    log,
    pidFile: path.join(directory, 'server.pid'),
    ports: [{ port, speaksFirst: false }],
  });
}

/** It listens before it has recovered. */
async function answers({ socketDirectory, port, log }: Place): Promise<void> {
  const asked = ['-q', '-h', socketDirectory, '-p', `${port}`];
  await waitFor(
    'postgresql to accept queries',
    UP_LIMIT_MS,
    () =>
      run(postgresqlProgram('pg_isready'), asked).then(
        () => true,
        () => false,
      ),
    () => log,
  );
}

function psqlAt({ socketDirectory, port }: Place): Postgresql['sql'] {
  return async (database, query) => {
    const where = ['-h', socketDirectory, '-p', `${port}`, '-U', SUPERUSER, '-d', database];
    const psql = postgresqlProgram('psql');
    const { stdout } = await run(psql, [...where, '-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', query], {
      maxBuffer: 1 << 26,
    });
    return stdout.trimEnd();
  };
}

async function end(one: Server, signal: NodeJS.Signals): Promise<void> {
  const { pid } = one;
  if (pid !== undefined && isAlive(pid)) {
    process.kill(pid, signal);
    await waitFor(`postgresql to end by ${signal}`, STOP_LIMIT_MS, () => !isAlive(pid)).catch(() => {});
  }
  await one.stop();
  // The next one takes a process that has ended, and that nobody has asked how, for one that runs: "lock file postmaster.pid already exists".
  if (pid !== undefined)
    await waitFor(`process ${pid} to be forgotten`, STOP_LIMIT_MS, () => !existsSync(`/proc/${pid}`));
}
