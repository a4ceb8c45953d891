/**
 * What is examined, and what several checks need to know of it: found out once, at the first asking.
 * Everything here only looks, but for `probed`.
 */

import type { Config } from '../../config/schema.ts';
import { dialectOf, type Environment, imapEndpoint, impersonation, sessionCutter } from '../configured/drivers.ts';
import { openState, openTable } from '../configured/stores.ts';
import type { Connection } from '../imap/connection.ts';
import { type Dialect, UNSURE_ACCOUNT } from '../imap/dialect.ts';
import { type Impersonation, openAs } from '../imap/impersonation.ts';
import { imapServer } from '../imap/mail-server.ts';
import type { KnownOwner } from '../imap/owner-facts.ts';
import type { OwnerView } from '../reconcile/driver-interfaces.ts';
import { paused, pausedFailure } from '../safeguards/pause.ts';
import { Failure } from '../shared/failure.ts';
import { once } from '../shared/found-once.ts';
import { type DataFiles, dataFiles } from '../store/files/data-files.ts';
import { leavesNoTrace } from '../store/files/open.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { type Doveconf, type Reading, readDoveconf } from './doveconf.ts';
import { type Address, openWire } from './line-session.ts';
import { nobodysLogin } from './nobodys-login.ts';
import { type Postfix, readPostfix } from './postconf.ts';
import { type Probed, probe } from './probe.ts';
import { probeSharing, type Shared } from './probe-sharing.ts';
import { type Recognised, recognised } from './recognised-dovecot.ts';

export interface DoctorOptions {
  /** The mailbox in which a temporary entry and folder may be made: its address in the table, or a login. */
  readonly probe?: string | undefined;
  /** The account with which a folder of that mailbox is shared for a moment, a mailbox' address in the table, or a login; its sessions may be cut. */
  readonly probeAs?: string | undefined;
  /** The password of that account, read when it is needed. */
  readonly probePassword?: (() => string) | undefined;
  /** Where mail from outside comes in, when not at port 25 of imap.host. */
  readonly smtp?: Address | undefined;
  /** Where users submit mail, and where they edit Sieve scripts, when not on the usual ports of imap.host. */
  readonly submission?: Address | undefined;
  readonly sieve?: Address | undefined;
  /** For `doveconf -c` and `postconf -c`, where they aren't this machine's own. */
  readonly dovecotConfig?: string | undefined;
  readonly postfixConfig?: string | undefined;
  /** Where fail2ban's configuration lies, when not in /etc/fail2ban. */
  readonly fail2banConfig?: string | undefined;
}

/** A session by the master user, not yet proven to be theirs. */
export interface Opened {
  readonly login: string;
  readonly connection: Connection;
}

export interface Subject {
  readonly config: Config;
  readonly env: Environment;
  readonly files: DataFiles;
  readonly options: DoctorOptions;
  now(): Date;
  table(): Promise<DelegationDb>;
  state(): Promise<StateDb>;
  by(): Impersonation;
  /** As somebody, by the configured form of impersonation or another. The caller closes it. */
  openAs(login: string, by?: Impersonation): Promise<Connection>;
  /** Proves that the session is theirs, and gives what the reconciler works with. Closes it when it isn't. */
  prove(opened: Opened): Promise<OwnerView>;
  /** Whose mailbox may be looked into: that of --probe, else the first few registered ones. */
  logins(): Promise<readonly string[]>;
  /** The --probe mailbox or the first of those that has an account; undefined when there is none. Closed at the end. */
  opened(): Promise<Opened | undefined>;
  doveconf(): Promise<Reading<Doveconf>>;
  /** What the server speaks; undefined where there is nobody to open it as. */
  dialect(): Promise<Dialect | undefined>;
  /** Which Dovecot it is; undefined where nothing tells. */
  dovecot(): Promise<Recognised | undefined>;
  postfix(): Promise<Reading<Postfix>>;
  /** What trying in the --probe mailbox has shown; undefined without one. */
  probed(): Promise<Probed | undefined>;
  /** What sharing a folder of it with the --probe-as account has shown; undefined without both. */
  shared(): Promise<Shared | undefined>;
  close(): Promise<void>;
}

/** So many registered mailboxes are tried until one has an account on the server. */
const MOST_TRIED = 5;

export function openSubject(config: Config, env: Environment, options: DoctorOptions): Subject {
  const files = dataFiles(config.dataDir);
  const toClose: (() => unknown)[] = [];
  const kept = <T extends { close(): unknown }>(one: T): T => {
    toClose.push(() => one.close());
    return one;
  };
  const endpoint = once(() => imapEndpoint(config));
  const by = once(() => impersonation(config, env));
  const table = once(async () => kept(await openTable(config, traceless(files.delegations))));
  const state = once(async () => kept(await openState(config, traceless(files.state))));
  const open = (login: string, how = by()) => openAs(endpoint(), how, login);
  /** Over a session that is open; whoever else is wanted gets one of their own. */
  const over = (login: string, connection: Connection, known?: (owner: string) => Promise<KnownOwner>) => {
    const these = async (wanted: string) => (wanted === login ? connection : open(wanted));
    return imapServer(config.server.name, dialectOf(config), config.imap.adminUser, these, { known });
  };
  const prove = ({ login, connection }: Opened) => over(login, connection).asOwner(login);

  const speaks = dialectOf(config);
  /** Fails `absent` too where the server lets in whom nobody knows. */
  const openThere = async (login: string): Promise<Connection> => {
    const connection = await open(login);
    const dialect = await speaks(connection).catch(() => undefined); // a session that has ended: the checks say why
    if (dialect?.answersUnknownLogins !== true) return connection;
    try {
      (await prove({ login, connection: await open(login) })).close();
    } catch (error) {
      if (isAbsent(error)) return closing(connection)(error);
    }
    return connection;
  };

  const registered = async (...only: readonly string[]): Promise<readonly string[]> => {
    try {
      const all = (await table()).query.selectFrom('mailboxes').select('login').orderBy('id').limit(MOST_TRIED);
      const rows = await (only.length === 0 ? all : all.where('address', 'in', only)).execute();
      return rows.map(({ login }) => login);
    } catch {
      return []; // the table has a check of its own
    }
  };
  const logins = once(async () => {
    if (options.probe === undefined) return registered();
    return [(await registered(options.probe))[0] ?? options.probe];
  });

  /** What only trying shows writes to the servers. */
  const unlessPaused = async () => {
    const pause = await paused(await state());
    if (pause !== undefined) throw pausedFailure(pause, '--probe would write to the server');
  };

  const opened = once(async () => {
    for (const login of await logins()) {
      const connection = await openThere(login).catch(options.probe === undefined ? unlessAbsent : rethrow);
      if (connection !== undefined) return { login, connection: kept(connection) };
    }
    // Nobody to open: the server still tells whether it takes the master's password.
    await open(nobodysLogin()).then((connection) => connection.close(), unlessAbsent);
    return undefined;
  });

  const doveconf = once(async (): Promise<Reading<Doveconf>> => {
    const { host, port, timeoutSeconds } = config.imap;
    if (options.dovecotConfig === undefined) {
      const wire = await openWire({ host, port }, timeoutSeconds * 1000);
      wire.close();
      if (!wire.here) return { found: undefined, why: `the IMAP server ${host} is another machine` };
    }
    return readDoveconf(options.dovecotConfig, port);
  });

  return {
    config,
    env,
    files,
    options,
    now: () => new Date(),
    table,
    state,
    by,
    openAs: open,
    prove,
    logins,
    opened,
    doveconf,
    dialect: once(async () => {
      const connection = (await opened())?.connection;
      return connection && (await speaks(connection));
    }),
    dovecot: once(() => recognised(doveconf, async () => (await opened())?.connection)),
    postfix: once(() => readPostfix(options.postfixConfig)),
    probed: once(async () => {
      const [login] = await logins();
      if (options.probe === undefined || login === undefined) return undefined;
      await unlessPaused();
      const session = async () => {
        const connection = await open(login);
        return { connection, view: await prove({ login, connection }) };
      };
      return probe(login, session, openThere);
    }),
    shared: once(async () => {
      const [owner] = await logins();
      if (options.probe === undefined || options.probeAs === undefined || owner === undefined) return undefined;
      await unlessPaused();
      const delegate = (await registered(options.probeAs))[0] ?? options.probeAs;
      return probeSharing({
        owner,
        delegate,
        openOwner: async () => {
          const connection = await open(owner);
          return { connection, view: await prove({ login: owner, connection }) };
        },
        openDelegate: async (known) => {
          const connection = await open(delegate);
          return { connection, view: await over(delegate, connection, async () => known).asDelegate(delegate) };
        },
        cutter: sessionCutter(config, env),
        folderId: async (connection) => (await dialectOf(config)(connection)).folderId,
      });
    }),
    close: async () => {
      for (const close of toClose.reverse()) await close();
    },
  };
}

/** Options to open a file with that the doctor only looks at. */
export function traceless(file: string): { readonly readonly: boolean } {
  return { readonly: leavesNoTrace(file) };
}

function rethrow(error: unknown): never {
  throw error;
}

/** Or it looks so, and nobody's session has shown yet whether it is. */
const isAbsent = (error: unknown) =>
  error instanceof Failure && ['NO_ACCOUNT', UNSURE_ACCOUNT].includes(error.rule ?? '');

function unlessAbsent(error: unknown): undefined {
  if (isAbsent(error)) return undefined;
  throw error;
}

const closing =
  (connection: Connection) =>
  (error: unknown): never => {
    connection.close();
    throw error;
  };
