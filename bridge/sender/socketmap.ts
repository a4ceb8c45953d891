/**
 * The sender rules as a server that Postfix asks over a Unix socket, socketmap_table(5). It reads the published map at every question,
 * so that it is never older than the last outcome. While nobody listens, or nobody can tell, Postfix defers the sender with 4xx:
 * unlike all other outputs this one needs a running sidecar.
 */
import { statSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { listenOn, type SocketPlace } from '../shared/unix-socket.ts';
import { SENDER_FILE } from '../store/published/sender-map.ts';
import { pack, unpack } from './netstring.ts';
import { answer } from './socketmap-answer.ts';

export interface SocketmapOptions {
  readonly directory: string;
  readonly place: SocketPlace;
  readonly identity: boolean;
  /** Default: {@link PATIENCE}. */
  readonly patience?: Patience;
}

export interface Patience {
  /** Until a request that has begun must be whole. */
  readonly requestMs: number;
  /** Without a request, or with replies that nobody fetches; Postfix itself hangs up after ten idle seconds. */
  readonly idleMs: number;
}

const PATIENCE: Patience = { requestMs: 10_000, idleMs: 120_000 };

/** Each smtpd may have one of its own where proxymap isn't used; those beyond are closed at once, and Postfix defers. */
const MOST_CONNECTIONS = 2000;

/** A question never waits for a lock longer than this: the whole sidecar would wait with it. */
const BUSY_MS = 100;

export interface Socketmap {
  close(): Promise<void>;
}

export async function startSocketmap({
  directory,
  place,
  identity,
  patience = PATIENCE,
}: SocketmapOptions): Promise<Socketmap> {
  const table = openTable(join(directory, SENDER_FILE));
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    serve(socket, (request) => answer(request, table.logins, identity), patience);
  });
  server.maxConnections = MOST_CONNECTIONS;
  try {
    await listenOn(server, place);
  } catch (error) {
    table.close();
    throw error;
  }
  return {
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve)); // takes the socket's name away
      for (const socket of open) socket.destroy();
      await closed;
      table.close();
    },
  };
}

/** Many requests a connection, answered in order; who sends what can't be read is told once and hung up on. */
function serve(socket: net.Socket, reply: (request: string) => string, { requestMs, idleMs }: Patience): void {
  let waiting: Buffer = Buffer.alloc(0);
  let deadline: NodeJS.Timeout | undefined;
  socket.on('error', () => {}); // 'close' follows
  socket.once('close', () => clearTimeout(deadline));
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on('data', (bytes) => {
    const { requests, rest, broken } = unpack(waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes]));
    waiting = rest;
    const replies = requests.map((request) => pack(reply(request)));
    if (broken !== undefined) {
      socket.pause();
      socket.end([...replies, pack(`PERM the request is ${broken}`)].join(''));
      deadline ??= setTimeout(() => socket.destroy(), requestMs);
      return;
    }
    if (requests.length > 0 || rest.length === 0) {
      clearTimeout(deadline);
      deadline = undefined;
    }
    if (rest.length > 0) deadline ??= setTimeout(() => socket.destroy(), requestMs);
    if (replies.length > 0 && !socket.write(replies.join(''))) {
      socket.pause();
      socket.once('drain', () => socket.resume());
    }
  });
}

/** A connection of its own, which only reads. A map that has been moved or made anew is another: nobody knows then what holds. */
function openTable(file: string) {
  const database = new Database(file, { fileMustExist: true, timeout: BUSY_MS });
  database.pragma('query_only = ON');
  const { ino, dev } = statSync(file);
  const logins = database
    .prepare<[string], string>('SELECT login FROM sender_login WHERE address = ? ORDER BY login')
    .pluck();
  return {
    logins: (address: string): readonly string[] => {
      const stat = statSync(file);
      if (stat.ino !== ino || stat.dev !== dev) throw new Error(`${file} is another file than when the sidecar began`);
      return logins.all(address);
    },
    close: () => database.close(),
  };
}
