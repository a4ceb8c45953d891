/**
 * The HTTP endpoint to which Dovecot posts its events, one a request, on a loopback address, with Basic authentication (RFC 7617). Every
 * user of this machine can connect to it. So nothing is read of a request that doesn't know the password, and everything is bounded: what
 * a connection may send, how long it may take, how many there are. Where there are too many, those go first that have not shown the
 * password, the oldest of them first, so that Dovecot finds a place among those who only want to keep it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import type { Socket } from 'node:net';
import { LARGEST_EVENT } from './server-event.ts';

/** The name before the password. */
export const EVENTS_USER = 'mandat';
export const EVENTS_PATH = '/events';

/** What became of requests since the start. */
export interface Counts {
  /** Bodies that were handed on. */
  taken: number;
  /** Without the password. */
  unauthorised: number;
  /** Not a POST to {@link EVENTS_PATH}, too large, broken off. */
  refused: number;
}

export interface EndpointOptions {
  readonly host: string;
  readonly port: number;
  /** What the Authorization header must be: {@link authorisation}. Asked for each request, so that it may change. */
  readonly expected: () => Buffer;
  /** One request's body. False: it is no event; whoever posts it is told so. Must not throw. */
  readonly take: (body: string) => boolean;
  readonly bounds?: Partial<Bounds>;
}

export interface Bounds {
  readonly connections: number;
  /** How long a connection has to show the password, and a request to come whole; ms. */
  readonly patienceMs: number;
  /** How long one that has shown it may say nothing; Dovecot keeps its own. */
  readonly idleMs: number;
  readonly bodyBytes: number;
}

const BOUNDS: Bounds = { connections: 64, patienceMs: 5000, idleMs: 600_000, bodyBytes: LARGEST_EVENT };

export interface Endpoint {
  readonly counts: Readonly<Counts>;
  readonly port: number;
  close(): Promise<void>;
}

/** A digest of the whole header: of one length, whatever is sent, so that comparing tells nothing. */
export function authorisation(password: string): Buffer {
  return digest(`Basic ${Buffer.from(`${EVENTS_USER}:${password}`).toString('base64')}`);
}

const digest = (header: string) => createHash('sha256').update(header).digest();

/** Rejects where it can't listen. */
export async function serveEvents({ host, port, expected, take, bounds }: EndpointOptions): Promise<Endpoint> {
  const { connections, patienceMs, idleMs, bodyBytes } = { ...BOUNDS, ...bounds };
  const counts: Counts = { taken: 0, unauthorised: 0, refused: 0 };
  const open = new Set<Socket>();
  /** Of these, who has not shown the password, the oldest first. */
  const strangers = new Set<Socket>();

  const refuse = (response: http.ServerResponse, status: number, headers: http.OutgoingHttpHeaders = {}) => {
    if (status === 401) counts.unauthorised++;
    else counts.refused++;
    response.writeHead(status, { connection: 'close', 'content-length': 0, ...headers });
    response.end(() => response.req.socket.destroy()); // what it still sends is read by nobody
  };
  const answer = (request: http.IncomingMessage, response: http.ServerResponse) => {
    const { socket, headers, method, url } = request;
    if (!timingSafeEqual(digest(headers.authorization ?? ''), expected())) {
      return refuse(response, 401, { 'www-authenticate': 'Basic realm="mandat"' });
    }
    if (strangers.delete(socket)) socket.setTimeout(idleMs);
    if (url !== EVENTS_PATH) return refuse(response, 404);
    if (method !== 'POST') return refuse(response, 405, { allow: 'POST' });
    if (Number(headers['content-length'] ?? 0) > bodyBytes) return refuse(response, 413);
    const parts: Buffer[] = [];
    let length = 0;
    request.on('data', (part: Buffer) => {
      length += part.length;
      if (length > bodyBytes) {
        request.removeAllListeners('data').removeAllListeners('end').pause();
        return refuse(response, 413);
      }
      parts.push(part);
    });
    request.on('end', () => {
      const body = parts.length === 1 ? parts[0] : Buffer.concat(parts);
      const known = take(body?.toString('utf8') ?? '');
      counts.taken++;
      response.writeHead(known ? 200 : 400, { 'content-length': 0 }).end();
    });
    request.on('error', () => counts.refused++);
  };

  const server = http.createServer(
    {
      headersTimeout: patienceMs,
      requestTimeout: patienceMs,
      keepAliveTimeout: idleMs,
      connectionsCheckingInterval: Math.min(1000, patienceMs),
      maxHeaderSize: 4096,
      noDelay: true,
    },
    answer,
  );
  server.on('checkContinue', answer).on('checkExpectation', answer); // nobody is encouraged to send
  server.on('clientError', (_, socket) => {
    counts.refused++;
    socket.destroy();
  });
  server.on('upgrade', (_, socket) => socket.destroy()).on('connect', (_, socket) => socket.destroy());
  server.on('connection', (socket) => {
    open.add(socket);
    strangers.add(socket);
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.once('close', () => {
      open.delete(socket);
      strangers.delete(socket);
    });
    if (open.size <= connections) return;
    const [oldest = socket] = strangers;
    counts.refused++;
    oldest.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', () => {}); // one connection's trouble is its own
  return {
    counts,
    port: (server.address() as { port: number }).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
