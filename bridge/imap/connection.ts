/**
 * One IMAP connection for raw commands. imapflow has no ACL commands and no longer declares `exec` in its types, so this is
 * the only file that knows of it; package.json pins the version.
 * Folder names go through here as the server writes them (modified UTF-7, RFC 3501 section 5.1.3), never decoded.
 */
import { ImapFlow, type ImapFlowOptions } from 'imapflow';
import { Failure } from '../failure.ts';

export type Argument = { readonly type: 'ATOM' | 'STRING'; readonly value: string } | readonly Argument[];

export const atom = (value: string): Argument => ({ type: 'ATOM', value });
/** Sent quoted or as a literal, whatever it holds; CR, LF and NUL are refused by the library. */
export const text = (value: string): Argument => ({ type: 'STRING', value });

/** One value of an untagged response: text, NIL, or a list. */
export type Value = string | null | readonly Value[];

export interface Untagged {
  /** The response's keyword: LIST, ACL, ... */
  readonly kind: string;
  readonly values: readonly Value[];
}

export type Reply =
  | { readonly ok: true; readonly untagged: readonly Untagged[] }
  | { readonly ok: false; readonly status: 'NO' | 'BAD'; readonly code: string; readonly text: string };

export interface Connection {
  /** Sends one command and collects the untagged responses of these kinds. A lost connection throws a Failure `retry`. */
  run(command: string, args: readonly Argument[], ...collect: readonly string[]): Promise<Reply>;
  /** From the server's NAMESPACE: other users' folders. Undefined when it offers none. */
  readonly otherUsers: { readonly prefix: string; readonly delimiter: string } | undefined;
  /** Prefixes of everything that isn't the user's own. */
  readonly foreignPrefixes: readonly string[];
  has(capability: string): boolean;
  close(): void;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: 'starttls' | 'implicit' | 'none';
  /** PEM; undefined for those that Node trusts by itself. */
  readonly ca?: readonly string[] | undefined;
  readonly serverName?: string | undefined;
  readonly timeoutMs: number;
}

export interface Credentials {
  readonly user: string;
  readonly pass: string;
  readonly authzid?: string;
}

interface RawResponse {
  readonly attributes?: readonly unknown[];
}

interface RefusedCommand {
  readonly responseStatus?: string;
  readonly responseText?: string;
  readonly response?: RawResponse;
}

interface Executor {
  exec(
    command: string,
    attributes: readonly unknown[],
    options: { untagged: Record<string, (response: RawResponse) => Promise<void>> },
  ): Promise<{ next(): void }>;
}

interface Namespaces {
  readonly other?: readonly { prefix: string; delimiter: string }[] | false;
  readonly shared?: readonly { prefix: string; delimiter: string }[] | false;
}

export async function connect(
  endpoint: Endpoint,
  credentials: Credentials,
  transport?: ImapFlowOptions['transport'],
): Promise<Connection> {
  const client = new ImapFlow({
    host: endpoint.host,
    port: endpoint.port,
    secure: endpoint.tls === 'implicit',
    doSTARTTLS: endpoint.tls === 'implicit' ? undefined : endpoint.tls === 'starttls',
    ...(endpoint.serverName === undefined ? {} : { servername: endpoint.serverName }),
    tls: { rejectUnauthorized: true, ...(endpoint.ca === undefined ? {} : { ca: [...endpoint.ca] }) },
    auth: { ...credentials, loginMethod: 'AUTH=PLAIN' },
    ...(transport === undefined ? {} : { transport }),
    logger: false,
    emitLogs: false,
    disableAutoIdle: true,
    disableAutoEnable: true, // UTF8=ACCEPT would change how folder names are written
    disableCompression: true,
    connectionTimeout: endpoint.timeoutMs,
    greetingTimeout: endpoint.timeoutMs,
    socketTimeout: endpoint.timeoutMs,
  });
  client.on('error', () => {}); // each pending command rejects by itself; an unheard 'error' would end the process
  try {
    await client.connect();
  } catch (error) {
    client.close();
    throw connectFailure(error, endpoint);
  }
  const namespaces = ((client as unknown as { namespaces?: Namespaces }).namespaces ?? {}) as Namespaces;
  const other = namespaces.other || [];
  const foreign = [...other, ...(namespaces.shared || [])];
  return {
    run: (command, args, ...collect) => run(client as unknown as Executor, endpoint, command, args, collect),
    otherUsers: other[0],
    foreignPrefixes: foreign.map(({ prefix }) => prefix),
    has: (capability) => client.capabilities.has(capability),
    close: () => {
      client.logout().catch(() => client.close()); // not waited for: nothing depends on the answer
    },
  };
}

async function run(
  client: Executor,
  endpoint: Endpoint,
  command: string,
  args: readonly Argument[],
  collect: readonly string[],
): Promise<Reply> {
  const untagged: Untagged[] = [];
  const handlers = Object.fromEntries(
    collect.map((kind) => [
      kind,
      async (response: RawResponse) => {
        untagged.push({ kind, values: (response.attributes ?? []).map(plain) });
      },
    ]),
  );
  try {
    const response = await client.exec(command, args, { untagged: handlers });
    response.next();
    return { ok: true, untagged };
  } catch (error) {
    const { responseStatus, responseText, response } = error as RefusedCommand;
    if (responseStatus !== 'NO' && responseStatus !== 'BAD') throw lost(error, endpoint);
    return { ok: false, status: responseStatus, code: responseCode(response), text: responseText ?? '' };
  }
}

/** NONEXISTENT of `NO [NONEXISTENT] ...`: imapflow keeps it apart from the text. RFC 5530. */
function responseCode(response: RawResponse | undefined): string {
  const [first] = response?.attributes ?? [];
  const section = (first as { section?: readonly { value?: unknown }[] } | undefined)?.section;
  return String(section?.[0]?.value ?? '').toUpperCase();
}

function plain(attribute: unknown): Value {
  if (attribute === null || attribute === undefined) return null;
  if (Array.isArray(attribute)) return attribute.map(plain);
  const value = (attribute as { value?: unknown }).value;
  if (value === null || value === undefined) return null;
  return Buffer.isBuffer(value) ? value.toString('latin1') : String(value);
}

function lost(error: unknown, { host, port }: Endpoint): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  return new Failure(
    'retry',
    `the IMAP server at ${host}:${port} ended the connection (${reason})`,
    'it will be tried again',
    {
      cause: error,
    },
  );
}

/** Why a connection couldn't be had, with the remedy. An AuthenticationFailure keeps the server's words. */
function connectFailure(error: unknown, endpoint: Endpoint): Failure {
  const where = `the IMAP server at ${endpoint.host}:${endpoint.port}`;
  const { code, message, authenticationFailed, responseText, serverResponseCode } = error as {
    code?: string;
    message: string;
    authenticationFailed?: boolean;
    responseText?: string;
    serverResponseCode?: string;
  };
  const cause = { cause: error };
  if (authenticationFailed === true) {
    // The text comes without its response code (RFC 5530), which is what tells why.
    const said = `${serverResponseCode === undefined ? '' : `[${serverResponseCode}] `}${responseText ?? message}`;
    if (PASSING.includes(serverResponseCode ?? '')) {
      return new Failure('retry', `${where} takes no login now: ${said}`, 'the server log says more', cause);
    }
    return new Failure('config', `${where} refused the login: ${said}`, '', { ...cause, rule: 'LOGIN_REFUSED' });
  }
  if (
    code?.startsWith('ERR_TLS_') ||
    /certificate|self.signed|altnames/i.test(message) ||
    CERTIFICATE.test(code ?? '')
  ) {
    return new Failure(
      'config',
      `the certificate of ${where} is not accepted: ${message}`,
      'set imap.ca_file to the authority that signed it, or imap.server_name to the name it was made for',
      cause,
    );
  }
  if (/STARTTLS|TLS/i.test(message) && endpoint.tls !== 'none') {
    return new Failure(
      'config',
      `${where} offers no TLS as configured: ${message}`,
      `check imap.tls ("${endpoint.tls}") and imap.port`,
      cause,
    );
  }
  return new Failure(
    'retry',
    `${where} can't be reached: ${code ?? message}`,
    'check imap.host and imap.port, and that the server runs',
    cause,
  );
}

/** Response codes of a refusal that passes by itself. RFC 5530 section 3. */
const PASSING = ['UNAVAILABLE', 'INUSE', 'LIMIT', 'SERVERBUG'];

const CERTIFICATE = /^(CERT_|DEPTH_ZERO|UNABLE_TO_|SELF_SIGNED|HOSTNAME_MISMATCH|ERR_SSL)/;
