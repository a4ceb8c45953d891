/**
 * One IMAP connection for raw commands. imapflow has no ACL commands and no longer declares `exec` in its types, so this is
 * the only file that knows of it, with pipeline.ts and plain-lines.ts; package.json pins the version.
 * Folder names go through here as the server writes them (modified UTF-7, RFC 3501 section 5.1.3), never decoded.
 */

import { ImapFlow, type ImapFlowOptions } from 'imapflow';
import type { Failure } from '../shared/failure.ts';
import { shippedVersion } from '../shared/shipped-files.ts';
import {
  type GivenUp,
  isOverlong,
  LINE_BOUNDS,
  MOST_LINES,
  OVERLONG,
  PATIENCE,
  watchAnswers,
} from './answer-bounds.ts';
import type { Argument } from './arguments.ts';
import { text } from './arguments.ts';
import { connectFailure, endless, lost, outOfTurn, silent } from './connection-lost.ts';
import type { Endpoint } from './endpoint.ts';
import { type Questions, questionOf, questionsIn } from './fatal-questions.ts';
import type { Namespace, Namespaces } from './namespaces.ts';
import { noteConnection, type OwnEnd } from './own-connections.ts';
import { answeredOutOfTurn, isPipelined, pipelined, type Queueing } from './pipeline.ts';
import { type Plainly, type Reading, readPlainly, type Value } from './plain-lines.ts';
import { transportFrom } from './transport.ts';

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
  /** Asked of the server once, when first wanted. */
  namespaces(): Promise<Namespaces>;
  has(capability: string): boolean;
  /** Whether commands that may be sent behind one another are. */
  readonly pipelines: boolean;
  /** What the server greeted with, and all that it says it can do once one is logged in. */
  readonly greeting: string;
  readonly capabilities: readonly string[];
  /** What `work` asks may be left unanswered for as long as a whole command may take, until `signal` breaks it off: the connection is lost then. */
  patiently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** `host:port` */
  readonly server: string;
  close(): void;
}

export interface Credentials {
  readonly user: string;
  readonly pass: string;
  readonly authzid?: string;
}

interface RawResponse {
  readonly attributes?: readonly unknown[];
  /** What SEARCH found, apart from the rest. */
  readonly numbers?: Iterable<number>;
}

interface RefusedCommand {
  readonly responseStatus?: string;
  readonly responseText?: string;
  readonly response?: RawResponse;
}

interface ExecOptions {
  readonly untagged?: Record<string, (response: RawResponse) => Promise<void>>;
  /** The same, of what is read without the library. */
  readonly plainly?: Plainly;
}

/** What imapflow has and its types don't declare. */
interface Undeclared extends Queueing, Reading {
  readonly currentRequest: Queueing['currentRequest'] & Reading['currentRequest'];
  exec(command: string, attributes: readonly unknown[], options: ExecOptions): Promise<{ next(): void }>;
  /** Its own commands by name. False: not done. */
  run(command: string, ...args: readonly unknown[]): Promise<unknown>;
  readonly socket?: OwnEnd & NonNullable<Queueing['socket']>;
}

/** What imapflow would ask at each login, and wait for: names of programs (ours is sent below), and namespaces, which few of our sessions need. */
const NOT_AT_LOGIN = new Set(['ID', 'NAMESPACE']);

/** How many connections there have been. */
let opened = 0;

export async function connect(
  endpoint: Endpoint,
  credentials: Credentials,
  transport?: ImapFlowOptions['transport'],
): Promise<Connection> {
  const carrier = transport ?? (endpoint.localAddress === undefined ? undefined : transportFrom(endpoint));
  const client = new ImapFlow({
    id: `${++opened}`, // else it makes one of random numbers
    host: endpoint.host,
    port: endpoint.port,
    secure: endpoint.tls === 'implicit',
    doSTARTTLS: endpoint.tls === 'implicit' ? undefined : endpoint.tls === 'starttls',
    ...(endpoint.serverName === undefined ? {} : { servername: endpoint.serverName }),
    tls: { rejectUnauthorized: true, ...(endpoint.ca === undefined ? {} : { ca: [...endpoint.ca] }) },
    auth: { ...credentials, loginMethod: 'AUTH=PLAIN' },
    ...(carrier === undefined ? {} : { transport: carrier }),
    logger: false,
    emitLogs: false,
    disableAutoIdle: true,
    disableAutoEnable: true, // UTF8=ACCEPT would change how folder names are written
    disableCompression: true,
    ...LINE_BOUNDS,
    connectionTimeout: endpoint.timeoutMs,
    greetingTimeout: endpoint.timeoutMs,
    socketTimeout: 2 * endpoint.timeoutMs * PATIENCE, // silence over a command is bounded below
  });
  const inner = client as unknown as Undeclared;
  const { run: ownRun, exec: ownExec } = inner;
  const sendAhead = pipelined(inner, endpoint);
  readPlainly(inner);
  let gaveUp: Failure | undefined;
  let ownDoing = false;
  const giveUp = (reason: GivenUp) => {
    gaveUp ??=
      typeof reason === 'string' ? endless(reason, endpoint) : silent(reason.command, reason.silentMs, endpoint);
    client.close();
  };
  const why: Why = (error, otherwise) => {
    if (answeredOutOfTurn(error, endpoint)) return outOfTurn(error, endpoint);
    return gaveUp ?? (isOverlong(error) ? endless(OVERLONG, endpoint) : otherwise(error, endpoint));
  };
  let patience = 0;
  const watched = watchAnswers(endpoint.timeoutMs, () => client.stats().received, giveUp);
  inner.run = async (command, ...args) => (NOT_AT_LOGIN.has(command) ? false : ownRun.call(inner, command, ...args));
  inner.exec = (command, attributes, options) => {
    const atOnce = command === 'AUTHENTICATE' && client.capabilities.has('SASL-IR');
    const sent = atOnce ? [...attributes, initialResponse(credentials)] : attributes;
    watched.begun(command, patience > 0 || command === 'APPEND'); // while a message goes out, nothing comes in
    const answer = ownExec.call(inner, command, sent, options).finally(watched.done);
    answer.catch(() => {}); // whoever asked hears of it
    sendAhead();
    return answer;
  };
  // Each pending command rejects by itself, without saying why; an unheard 'error' would end the process.
  client.on('error', (error: unknown) => {
    if (isOverlong(error)) giveUp(OVERLONG);
    // A silence that lasted too long, or what the network says. A process that dies with questions unread resets the connection.
    else if ((error as { code?: unknown }).code !== 'ECONNRESET') ownDoing = true;
  });
  try {
    await client.connect();
  } catch (error) {
    client.close();
    throw why(error, connectFailure);
  }
  client.once('close', noteConnection(inner.socket ?? {}));
  if (client.capabilities.has('ID')) introduceTo(inner);
  const questions = questionsIn(endpoint, credentials.authzid ?? credentials.user);
  const endedBy = (error: unknown, question: string) =>
    ownDoing || gaveUp !== undefined || !isUnannounced(error) ? undefined : questions.lost(question, endpoint, error);
  const send: Connection['run'] = (command, args, ...collect) =>
    run(inner, { giveUp, why, questions, endedBy }, command, args, collect);
  let namespaces: Promise<Namespaces> | undefined;
  return {
    run: send,
    namespaces: () => {
      namespaces ??= askNamespaces(send);
      return namespaces;
    },
    pipelines: isPipelined(endpoint),
    has: (capability) => client.capabilities.has(capability),
    greeting: String((client as { greeting?: unknown }).greeting ?? ''),
    capabilities: [...client.capabilities.keys()].map((capability) => capability.toUpperCase()),
    patiently: async (signal, work) => {
      const breakOff = () => {
        ownDoing = true;
        client.close();
      };
      signal.addEventListener('abort', breakOff);
      patience++;
      try {
        signal.throwIfAborted();
        return await work();
      } finally {
        patience--;
        signal.removeEventListener('abort', breakOff);
      }
    },
    server: `${endpoint.host}:${endpoint.port}`,
    close: () => {
      if (watched.busy)
        client.close(); // an answer that nobody waits for any more may be long in coming
      else client.logout().catch(() => client.close()); // not waited for: nothing depends on the answer
    },
  };
}

/** Nobody waits for the answer, nor minds a refusal: it is for the server's log. */
function introduceTo(inner: Undeclared): void {
  inner.exec('ID', [OWN_NAME], {}).then(
    (response) => response.next(),
    () => {},
  );
}

/** RFC 2971, of the program and nothing of the machine it runs on. */
const OWN_NAME = ['name', 'mandat', 'version', shippedVersion()].map(text);

/** SASL PLAIN (RFC 4616) on the command's own line, which saves a round trip where the server takes it (RFC 4959). */
function initialResponse({ user, pass, authzid = '' }: Credentials): unknown {
  const message = [authzid, user, pass].join('\0');
  return { type: 'ATOM', value: Buffer.from(message).toString('base64'), sensitive: true };
}

/** Why a command failed: what we know of it ourselves, else what `otherwise` makes of the error. */
type Why = (error: unknown, otherwise: (error: unknown, endpoint: Endpoint) => Failure) => Failure;

/** A command was waiting, and no BYE came. */
function isUnannounced(error: unknown): boolean {
  const { code, rejectedFrom, reason } = error as { code?: string; rejectedFrom?: string; reason?: string };
  return code === 'NoConnection' && rejectedFrom === 'pendingRequest' && reason === undefined;
}

interface Ways {
  readonly giveUp: (reason: string) => void;
  readonly why: Why;
  readonly questions: Questions;
  /** Where the server has ended the connection at the same question too often. */
  readonly endedBy: (error: unknown, question: string) => Failure | undefined;
}

async function run(
  client: Undeclared,
  { giveUp, why, questions, endedBy }: Ways,
  command: string,
  args: readonly Argument[],
  collect: readonly string[],
): Promise<Reply> {
  const untagged: Untagged[] = [];
  const hear = (kind: string, values: readonly Value[]) => {
    if (untagged.length >= MOST_LINES) giveUp(`answered ${command} with more than ${MOST_LINES} lines`);
    else untagged.push({ kind, values });
  };
  const handlers: NonNullable<ExecOptions['untagged']> = {};
  const plainly: Plainly = new Map(collect.map((kind) => [kind, (values) => hear(kind, values)]));
  for (const kind of collect) {
    handlers[kind] = async ({ attributes = [], numbers = [] }) =>
      hear(kind, [...attributes.map(plain), ...[...numbers].map(String)]);
  }
  const question = questionOf(command, args);
  questions.begun(question);
  try {
    const response = await client.exec(command, args, { untagged: handlers, plainly });
    response.next();
    questions.answered(question);
    return { ok: true, untagged };
  } catch (error) {
    const { responseStatus, responseText, response } = error as RefusedCommand;
    if (responseStatus !== 'NO' && responseStatus !== 'BAD') throw endedBy(error, question) ?? why(error, lost);
    questions.answered(question);
    const text = (responseText ?? '').slice(0, LONGEST_TEXT);
    return { ok: false, status: responseStatus, code: responseCode(response), text };
  }
}

/** Of what a server says with a refusal: it stands in logs, tables and on screens. */
const LONGEST_TEXT = 500;

async function askNamespaces(send: Connection['run']): Promise<Namespaces> {
  const reply = await send('NAMESPACE', [], 'NAMESPACE');
  const [own, other, shared] = reply.ok ? (reply.untagged[0]?.values ?? []) : [];
  const described = (space: Value | undefined): readonly Namespace[] =>
    (Array.isArray(space) ? space : []).map((one: Value) => {
      const [prefix, delimiter] = Array.isArray(one) ? one : [];
      return { prefix: String(prefix ?? ''), delimiter: String(delimiter ?? '') };
    });
  const otherUsers = described(other);
  return {
    personal: described(own),
    otherUsers: otherUsers[0],
    others: otherUsers,
    foreign: [...otherUsers, ...described(shared)],
  };
}

/** NONEXISTENT of `NO [NONEXISTENT] ...`: imapflow keeps it apart from the text. RFC 5530. */
function responseCode(response: RawResponse | undefined): string {
  const [first] = response?.attributes ?? [];
  const section = (first as { section?: readonly { value?: unknown }[] } | undefined)?.section;
  return String(section?.[0]?.value ?? '')
    .slice(0, LONGEST_TEXT)
    .toUpperCase();
}

function plain(attribute: unknown): Value {
  if (attribute === null || attribute === undefined) return null;
  if (Array.isArray(attribute)) return attribute.map(plain);
  const value = (attribute as { value?: unknown }).value;
  if (value === null || value === undefined) return null;
  return Buffer.isBuffer(value) ? value.toString('latin1') : String(value);
}
