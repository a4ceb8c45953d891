/**
 * Questions sent ahead. imapflow keeps one command in flight, so that each answer costs a way there and back; a tree's questions, or one delegate's
 * about many mailboxes, don't depend on each other. Those that wait in its queue go out behind the one that is answered (RFC 3501 section 5.5), and
 * answers are taken in the order in which servers give them: that of the questions. So do subscriptions, of which none depends on another, and changes of
 * entries behind one another; what asks behind such a change waits for its answer.
 * With connection.ts and plain-lines.ts the only file that knows of imapflow, and the only one that knows how it queues; package.json pins the version.
 */
import type { Endpoint } from './endpoint.ts';

interface Request {
  readonly tag: string;
  readonly command: string;
  readonly attributes?: readonly unknown[];
}

/** What imapflow has and its types don't declare. */
export interface Queueing {
  readonly requestQueue: readonly Request[];
  readonly currentRequest: (Request & { sent?: boolean }) | false;
  /** Of the command in flight, what waits until the server wants it. */
  readonly commandParts: readonly unknown[];
  send(request: Request): Promise<void>;
  /** While it is corked, what is written waits and goes out in one piece. */
  readonly socket?: { cork(): void; uncork(): void };
}

/** What is written in this turn of the loop goes out at its end, in one piece: a segment for each question would cost both sides a wake-up. */
export function inOnePiece({ socket }: Pick<Queueing, 'socket'>): void {
  if (socket === undefined || corked.has(socket)) return;
  corked.add(socket);
  socket.cork();
  setImmediate(() => {
    corked.delete(socket);
    socket.uncork();
  });
}
const corked = new WeakSet<object>();

/** A server that stops reading while it answers is given no more than it can keep. */
const MOST_AHEAD = 100;

/** What changes nothing. */
export const QUESTIONS: ReadonlySet<string> = new Set(
  'GETACL MYRIGHTS LISTRIGHTS LIST LSUB STATUS NAMESPACE ID'.split(' '),
);

/** What may be sent behind one another: what is of one of these kinds, behind what is of the same. */
const AHEAD: readonly ReadonlySet<string>[] = [new Set([...QUESTIONS, 'SUBSCRIBE']), new Set(['SETACL', 'DELETEACL'])];

/** Servers that have answered out of turn: they are asked one by one. */
const outOfTurn = new Set<string>();

const nameOf = ({ host, port }: Endpoint) => `${host}:${port}`;

/** Whether an error is that of a server which answered another question than the one whose turn it was; it is asked one by one from then on. */
export function answeredOutOfTurn(error: unknown, endpoint: Endpoint): boolean {
  if ((error as { code?: unknown }).code !== 'UnexpectedTag') return false;
  outOfTurn.add(nameOf(endpoint));
  return true;
}

/** Whether what may be sent behind one another is. */
export const isPipelined = (endpoint: Endpoint): boolean => !outOfTurn.has(nameOf(endpoint));

/** @returns to be called when a command has been handed over: sends ahead what may be */
export function pipelined(client: Queueing, endpoint: Endpoint): () => void {
  if (!isPipelined(endpoint)) return () => {};
  const sendNow = client.send;
  const ahead = new Set<string>();
  const sendAhead = () => {
    const { currentRequest: current } = client;
    if (current === false || current.sent !== true) return;
    const kind = kindOf(current);
    if (kind === undefined) return;
    inOnePiece(client);
    for (const request of client.requestQueue) {
      if (ahead.has(request.tag)) continue;
      if (ahead.size >= MOST_AHEAD || kindOf(request) !== kind) return;
      ahead.add(request.tag);
      // One that can't be written is given back when its turn comes.
      sendNow.call(client, request).catch(() => ahead.delete(request.tag));
    }
  };
  client.send = async (request) => {
    const { currentRequest: current } = client;
    if (kindOf(request) !== undefined) inOnePiece(client);
    if (!ahead.delete(request.tag)) await sendNow.call(client, request);
    else if (current !== false && current.tag === request.tag) current.sent = true;
    sendAhead();
  };
  return sendAhead;
}

/** Of what goes out in one piece, no part of which waits for the server to want it. */
function kindOf({ command, attributes = [] }: Request): ReadonlySet<string> | undefined {
  return attributes.every(isPlain) ? AHEAD.find((kind) => kind.has(command)) : undefined;
}

function isPlain(attribute: unknown): boolean {
  if (Array.isArray(attribute)) return attribute.every(isPlain);
  return /^[\x20-\x7e]*$/.test(String((attribute as { value?: unknown }).value ?? ''));
}
