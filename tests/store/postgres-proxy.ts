/**
 * A port in front of a PostgreSQL that speaks in clear: it sees each request before the server does (a statement of the simple protocol, or all up to
 * a Sync of the extended one), and decides what becomes of it. PostgreSQL manual, 55.
 */
import net from 'node:net';

export type Fate =
  | 'pass'
  /** Both sides lose the connection, before the server has heard of it. */
  | 'cut-before'
  /** The server does it; the answer is lost with the connection. */
  | 'cut-after'
  /** The server never hears of it, nor does the client of anything; both connections stay. */
  | 'stall'
  /** The server hears of it when this resolves, and of what follows after it. */
  | { readonly after: Promise<void> };

export interface Asked {
  /** All of it, parameters too. */
  readonly bytes: Buffer;
  /** The how-manieth of all that have come. */
  readonly connection: number;
}

export interface PostgresProxy {
  readonly port: number;
  /** Where new connections lead. */
  target: number;
  /** Asked once for each request; `sql` is what is asked, or empty where it was prepared before. */
  decide: (sql: string, asked: Asked) => Fate;
  /** Ends all connections that there are. */
  cut(): void;
  /** While false, each new connection is ended at once. */
  open: boolean;
  /** While true, nothing gets through in either direction; then all of it does. */
  silent: boolean;
  /** How many connections have come. */
  readonly came: number;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

export async function startPostgresProxy(target: number): Promise<PostgresProxy> {
  const sockets = new Set<net.Socket>();
  const keep = (socket: net.Socket) => {
    sockets.add(socket);
    return socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  let silent = false;
  let came = 0;
  const listener = net.createServer((client) => {
    keep(client);
    came++;
    if (!proxy.open) return void client.destroy();
    if (silent) client.pause();
    const server = keep(net.connect({ host: HOST, port: proxy.target, noDelay: true }));
    const connection = came;
    let last = false;
    let stalled = false;
    let held: Promise<void> | undefined;
    const end = () => {
      server.destroy();
      client.destroy();
    };
    client.on('close', () => stalled || server.destroy());
    server.on('close', () => stalled || client.destroy());
    server.on('data', (bytes) => {
      if (stalled) return;
      if (last) end();
      else client.write(bytes);
    });
    const request = (bytes: Buffer, sql: string) => {
      if (last || stalled) return;
      const fate = proxy.decide(sql, { bytes, connection });
      if (typeof fate === 'object') held = Promise.all([held, fate.after]).then(() => {});
      if (held !== undefined) {
        held = held.then(() => void server.write(bytes));
        return;
      }
      if (fate === 'cut-before') return end();
      if (fate === 'stall') {
        stalled = true;
        return;
      }
      last = fate === 'cut-after';
      server.write(bytes);
    };
    client.on(
      'data',
      requests(request, (bytes) => server.write(bytes)),
    );
  });
  await new Promise<void>((resolve) => listener.listen(0, HOST, resolve));
  const proxy: PostgresProxy = {
    port: (listener.address() as net.AddressInfo).port,
    target,
    decide: () => 'pass',
    open: true,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    get silent() {
      return silent;
    },
    set silent(now) {
      silent = now;
      for (const socket of sockets) {
        if (now) socket.pause();
        else socket.resume();
      }
    },
    get came() {
      return came;
    },
    close: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      proxy.cut();
      await closed;
    },
  };
  return proxy;
}

/** Cuts what a client sends into requests. `before`: what belongs to none, as all of the login. */
function requests(whole: (bytes: Buffer, sql: string) => void, before: (bytes: Buffer) => void) {
  let rest = Buffer.alloc(0);
  let request: Buffer[] = [];
  let sql = '';
  let started = false;
  return (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const head = started ? 1 : 0;
      if (rest.length < head + 4) return;
      const length = head + rest.readInt32BE(head);
      if (rest.length < length) return;
      const message = rest.subarray(0, length);
      rest = rest.subarray(length);
      const type = started ? String.fromCharCode(message[0] ?? 0) : 'startup';
      started = true;
      if (type === 'startup' || type === 'p' || type === 'X') {
        before(message);
        continue;
      }
      request.push(message);
      if (type === 'Q') sql = message.toString('utf8', 5, message.length - 1);
      if (type === 'P') sql = message.toString('utf8', message.indexOf(0, 5) + 1).replace(/\0.*$/s, '');
      if (type !== 'Q' && type !== 'S') continue;
      whole(Buffer.concat(request), sql);
      request = [];
      sql = '';
    }
  };
}
