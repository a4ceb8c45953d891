/**
 * The server that Dovecot's processes ask who shares with whom: acl_shared_dict = proxy:PATH:mandat. One connection each, line by line, in order;
 * who sends what can't be read is hung up on, and who doesn't fetch their answers is waited for, and nobody else with them.
 */
import net from 'node:net';
import { listenOn, type SocketPlace } from '../shared/unix-socket.ts';
import { conversation, Unreadable } from './conversation.ts';
import { cutLines } from './dict-lines.ts';
import type { ShareStore } from './share-store.ts';

export interface DictServerOptions {
  readonly store: ShareStore;
  /** Where to listen; or a socket that listens already, which systemd has handed over. */
  readonly at: SocketPlace | { readonly fd: number };
  /** Default: {@link PATIENCE}. */
  readonly patience?: Patience;
  /** Told what went wrong, and not with whose shares. */
  readonly told: (trouble: DictTrouble) => void;
}

export interface DictTrouble {
  /** `unreadable`: somebody speaks otherwise than Dovecot does. `failed`: what was asked could not be done. */
  readonly kind: 'unreadable' | 'failed';
  readonly reason: string;
}

export interface Patience {
  /** Without a request, or with an answer that nobody fetches; Dovecot's own client hangs up as soon as it has its answer. */
  readonly idleMs: number;
}

const PATIENCE: Patience = { idleMs: 120_000 };

/** Dovecot's processes hang up after each question; those beyond wait to be accepted. */
const MOST_CONNECTIONS = 4000;

export interface DictServer {
  close(): Promise<void>;
}

export async function startDictServer(options: DictServerOptions): Promise<DictServer> {
  const { at } = options;
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    serve(socket, options);
  });
  server.maxConnections = MOST_CONNECTIONS;
  if ('fd' in at) await handedOver(server, at.fd);
  else await listenOn(server, at);
  return {
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

function handedOver(server: net.Server, fd: number): Promise<void> {
  return new Promise((listening, failed) => {
    server.once('error', failed);
    server.listen({ fd }, () => {
      server.off('error', failed);
      listening();
    });
  });
}

function serve(socket: net.Socket, { store, told, patience = PATIENCE }: DictServerOptions): void {
  const failed = (error: unknown) =>
    told({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  const { answer } = conversation(store, failed);
  let waiting: Buffer = Buffer.alloc(0);
  socket.on('error', () => {}); // 'close' follows
  socket.setTimeout(patience.idleMs, () => socket.destroy());

  const answerAll = async (lines: readonly Buffer[]) => {
    for (const line of lines) {
      for (const part of answer(line.toString('utf8'))) {
        if (!socket.write(part)) await drained(socket);
        if (socket.destroyed) return;
      }
    }
  };
  socket.on('data', (bytes) => {
    const { lines, rest, tooLong } = cutLines(waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes]));
    waiting = rest;
    socket.pause(); // what comes meanwhile waits with the sender
    answerAll(lines)
      .then(() => {
        if (tooLong) throw new Unreadable('a line without end');
        socket.resume();
      })
      .catch((error: unknown) => {
        if (error instanceof Unreadable) told({ kind: 'unreadable', reason: error.message });
        else failed(error);
        socket.destroy();
      });
  });
}

/** Or gone. */
function drained(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.once('drain', done).once('close', done);
  });
}
