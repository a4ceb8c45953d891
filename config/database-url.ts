/**
 * Where a PostgreSQL database is, as libpq writes it: postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full, and for a Unix socket
 * postgres:///DATABASE?host=/run/postgresql. Never a password: a configuration file is copied about. PostgreSQL manual, 34.1.1.2
 */
import { isLoopback } from './loopback.ts';
import { GOOD, type Problem, type Rule } from './rule.ts';

export interface DatabasePlace {
  /** A host name, an address without brackets, or the absolute path of the socket's folder. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Whether the certificate's chain is checked, and the host's name in it; `disable`: nothing is encrypted. */
  readonly tls: 'verify-full' | 'verify-ca' | 'disable';
}

const FORM =
  /^postgres(?:ql)?:\/\/(?:(?<user>[^:@/?#]+)(?<password>:[^@/?#]*)?@)?(?<host>\[[0-9a-f:.]+\]|[^:@/?#[\]]*)(?::(?<port>\d{1,5}))?\/(?<database>[^/?#]+)(?:\?(?<query>[^#]*))?$/i;

const MODES = ['verify-full', 'verify-ca', 'disable'] as const;
const REMEDY =
  'write postgres://USER@HOST:5432/DATABASE, or postgres:///DATABASE?host=/run/postgresql for a Unix socket';

/** Of a URL that {@link databaseUrl} finds good. Left out: user mandat, port 5432, this machine's socket, and TLS wherever a network is between. */
export function databasePlace(url: string): DatabasePlace {
  const { user, host, port, database = '', query = '' } = FORM.exec(url)?.groups ?? {};
  const given = new URLSearchParams(query);
  const named = decodeURIComponent((host ?? '').replace(/^\[(.*)\]$/, '$1'));
  const where = given.get('host') ?? (named === '' ? '/run/postgresql' : named);
  const tls = MODES.find((mode) => mode === given.get('sslmode'));
  return {
    host: where,
    port: Number(port ?? 5432),
    user: decodeURIComponent(user ?? 'mandat'),
    database: decodeURIComponent(database),
    tls: tls ?? (onThisMachine(where) ? 'disable' : 'verify-full'),
  };
}

const onThisMachine = (host: string) => host.startsWith('/') || isLoopback(host);

/** No problem repeats the value: a password may stand in it. */
export const databaseUrl: Rule = (value) => {
  const problem = wrong(value);
  return problem === undefined ? GOOD : [problem];
};

function wrong(value: string): Problem | undefined {
  const found = FORM.exec(value)?.groups;
  if (/^\w+:\/\/[^/]*:[^/]*@/.test(value) || /[?&]password=/i.test(value)) {
    return {
      message: 'the address of the database holds a password',
      remedy: 'take it out: it belongs in database_password_file, mode 600, or in $MANDAT_DATABASE_PASSWORD',
    };
  }
  if (found === undefined || !decodable(value)) {
    return { message: 'this is not the address of a PostgreSQL database', remedy: REMEDY };
  }
  if (Number(found.port ?? 5432) < 1 || Number(found.port ?? 5432) > 65_535) {
    return { message: `${found.port} is not a port`, remedy: REMEDY };
  }
  const given = new URLSearchParams(found.query ?? '');
  for (const key of given.keys()) {
    if (key === 'sslrootcert')
      return { message: 'sslrootcert is not read here', remedy: 'name the file in database_ca_file' };
    if (key !== 'sslmode' && key !== 'host') {
      return { message: `the address has "${named(key)}", which is not known here`, remedy: REMEDY };
    }
  }
  const socket = given.get('host');
  if (socket !== null && (!socket.startsWith('/') || found.host !== '')) {
    return { message: '"host" behind the ? is for the folder of a Unix socket', remedy: REMEDY };
  }
  const mode = given.get('sslmode');
  if (mode !== null && !MODES.some((one) => one === mode)) {
    return {
      message: `sslmode=${named(mode)} does not check who answers`,
      remedy:
        'write sslmode=verify-full, or verify-ca where the certificate has another name; disable on this machine only',
    };
  }
  const { host, tls } = databasePlace(value);
  return tls === 'disable' && !onThisMachine(host)
    ? {
        message: 'sslmode=disable would send who has access to whose mail in clear over the network',
        remedy: 'write sslmode=verify-full, and the authority in database_ca_file',
      }
    : undefined;
}

/** Of libpq's (PostgreSQL manual, 34.1.2 and 34.19). Any other word behind the question mark may be part of a password that slipped there. */
const LIBPQ: ReadonlySet<string> = new Set(
  `application_name channel_binding client_encoding connect_timeout dbname gssencmode hostaddr keepalives keepalives_idle krbsrvname
   load_balance_hosts options passfile port require_auth service sslcert sslcompression sslcrl sslkey sslnegotiation sslsni
   target_session_attrs tcp_user_timeout user allow prefer require no-verify`.split(/\s+/),
);
const named = (word: string): string => (LIBPQ.has(word) ? word : '...');

function decodable(value: string): boolean {
  try {
    return !/[\s\p{Cc}]/u.test(decodeURIComponent(value));
  } catch {
    return false;
  }
}
