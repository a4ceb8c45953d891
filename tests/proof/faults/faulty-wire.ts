/** A port before a real server, octet by octet, on which one fault at a time can be set; it happens once and is over. */
import net from 'node:net';
import type { Address } from '../../../config/lab/lab.ts';

/** `after`: so many octets of that side, counted from when the fault was set, over all connections. */
export type Fault =
  /** Every new connection is reset, and those that are open, until it is taken off. */
  | { readonly kind: 'refused' }
  /** Both ends lose the connection. */
  | { readonly kind: 'cut'; readonly of: Side; readonly after: number }
  /** Nothing passes any more on this connection, which stays open. */
  | { readonly kind: 'silence'; readonly of: Side; readonly after: number }
  /** The server loses the connection, and the client is never told. */
  | { readonly kind: 'half-open'; readonly of: Side; readonly after: number }
  /** Octets that belong to nothing. */
  | { readonly kind: 'garbage'; readonly of: Side; readonly after: number; readonly octets: string }
  /** At the next end of a line, the server says that it goes, and is gone. */
  | { readonly kind: 'bye'; readonly after: number }
  /** Each octet comes alone, both ways, until it is taken off. */
  | { readonly kind: 'trickle' }
  /** An IMAP command, counted from 1, is answered so by the real server, to which another one is given that it refuses. */
  | { readonly kind: 'answer'; readonly command: number; readonly say: 'NO' | 'BAD' };

export type Side = 'client' | 'server';

export interface FaultyWire extends Address {
  set(fault: Fault): void;
  /** Whatever is left of it is over: what was silent or spoilt is cut. */
  clear(): void;
  /** The fault that was set has happened. */
  readonly happened: boolean;
  /** Octets that have passed since a fault was set or cleared. */
  readonly passed: Readonly<Record<Side, number>>;
  /** IMAP commands since then. */
  readonly commands: number;
  close(): Promise<void>;
}

interface Pair {
  readonly client: net.Socket;
  readonly server: net.Socket;
  /** Nothing passes any more. */
  dead: boolean;
  /** Something stands in it that no side has said: it may be waited for what never comes. */
  spoilt: boolean;
}

/** What a real server refuses without doing anything. */
const REFUSED = { NO: 'CREATE "INBOX"', BAD: 'XFAULT' } as const;

export async function openFaultyWire(target: Address): Promise<FaultyWire> {
  const pairs = new Set<Pair>();
  let fault: Fault | undefined;
  let happened = false;
  let commands = 0;
  const passed = { client: 0, server: 0 };

  let closing = false;
  const end = ({ client, server }: Pair) => {
    client.destroy();
    server.destroy();
  };
  const happen = (pair: Pair, what: Fault): void => {
    happened = true;
    if (what.kind === 'cut') end(pair);
    if (what.kind === 'half-open') pair.server.destroy();
    if (what.kind === 'silence' || what.kind === 'half-open') pair.dead = true;
  };
  /** In the middle of what a side says: what comes before it passes. */
  const breakAt = (pair: Pair, to: net.Socket, bytes: Buffer, at: number, now: Fault): void => {
    if (at > 0) to.write(bytes.subarray(0, at));
    if (now.kind === 'garbage') {
      happened = true;
      pair.spoilt = true;
      to.write(Buffer.concat([Buffer.from(now.octets, 'latin1'), bytes.subarray(at)]));
    } else {
      pair.dead = true;
      setImmediate(() => happen(pair, now)); // what was before it has gone out
    }
  };
  const farewell = (pair: Pair, bytes: Buffer, end: number): void => {
    happened = true;
    pair.client.end(Buffer.concat([bytes.subarray(0, end), Buffer.from('* BYE it goes down\r\n')]));
    pair.server.destroy();
  };
  const pass = (pair: Pair, side: Side, bytes: Buffer): void => {
    const to = side === 'client' ? pair.server : pair.client;
    const before = passed[side];
    passed[side] += bytes.length;
    if (pair.dead) return;
    const now = happened ? undefined : fault;
    const reached = now !== undefined && 'after' in now && before + bytes.length > now.after;
    const at = reached ? Math.max(0, now.after - before) : 0;
    const line = bytes.indexOf('\r\n', at);
    if (fault?.kind === 'trickle') {
      happened = true;
      for (const octet of bytes) to.write(Buffer.of(octet));
    } else if (reached && 'of' in now && now.of === side) breakAt(pair, to, bytes, at, now);
    else if (reached && now.kind === 'bye' && side === 'server' && line >= 0) farewell(pair, bytes, line + 2);
    else to.write(bytes);
  };
  const commandsIn = (pair: Pair, bytes: Buffer): Buffer => {
    if (pair.dead) return bytes;
    const lines = bytes.toString('latin1').split(/(?<=\r\n)/);
    const said = lines.map((line) => {
      const [tag = '', word = ''] = line.trimEnd().split(' ');
      if (!/^[A-Za-z]?[0-9A-F]+$/i.test(tag) || !/^[A-Z]+$/i.test(word) || !line.endsWith('\r\n')) return line;
      commands++;
      if (fault?.kind !== 'answer' || happened || commands !== fault.command || /\{\d+\+?\}\r\n$/.test(line))
        return line;
      happened = true;
      return `${tag} ${REFUSED[fault.say]}\r\n`;
    });
    return Buffer.from(said.join(''), 'latin1');
  };
  const listener = net.createServer({ noDelay: true }, (client) => {
    client.on('error', () => {}); // 'close' follows
    if (closing) return void client.destroy(); // it was on its way
    if (fault?.kind === 'refused') {
      happened = true;
      client.resetAndDestroy();
      return;
    }
    const server = net.connect({ host: target.host, port: target.port, noDelay: true });
    server.on('error', () => {});
    const pair: Pair = { client, server, dead: false, spoilt: false };
    pairs.add(pair);
    client.on('data', (bytes) => pass(pair, 'client', commandsIn(pair, bytes)));
    server.on('data', (bytes) => pass(pair, 'server', bytes));
    client.on('close', () => {
      pairs.delete(pair);
      server.destroy();
    });
    server.on('close', () => {
      if (!pair.dead) client.end();
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const anew = (next: Fault | undefined) => {
    fault = next;
    happened = false;
    commands = 0;
    passed.client = 0;
    passed.server = 0;
  };
  return {
    host: '127.0.0.1',
    port: (listener.address() as net.AddressInfo).port,
    set: (next) => {
      anew(next);
      if (next.kind === 'refused') for (const pair of pairs) end(pair);
    },
    clear: () => {
      anew(undefined);
      for (const pair of pairs) if (pair.dead || pair.spoilt) end(pair);
    },
    get happened() {
      return happened;
    },
    passed,
    get commands() {
      return commands;
    },
    close: async () => {
      closing = true;
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const pair of pairs) end(pair);
      await closed;
    },
  };
}
