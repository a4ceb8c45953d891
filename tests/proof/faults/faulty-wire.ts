/** A port before a real server, octet by octet, on which one fault at a time can be set, for all connections or for those of one purpose; it happens once and is over. */
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

/** Connections that belong together: one fault at a time, one count of their octets. */
export class Spot {
  /** Octets that have passed since a fault was set or cleared. */
  readonly passed: Record<Side, number> = { client: 0, server: 0 };
  /** IMAP commands since then. */
  commands = 0;
  /** The fault that was set has happened. */
  happened = false;
  fault: Fault | undefined;
  readonly #pairs: ReadonlySet<Pair>;
  constructor(pairs: ReadonlySet<Pair>) {
    this.#pairs = pairs;
  }

  set(fault: Fault): void {
    this.#anew(fault);
    if (fault.kind === 'refused') for (const pair of this.#mine()) end(pair);
  }

  /** Whatever is left of it is over: what was silent or spoilt is cut. */
  clear(): void {
    this.#anew(undefined);
    for (const pair of this.#mine()) if (pair.dead || pair.spoilt) end(pair);
  }

  #mine(): readonly Pair[] {
    return [...this.#pairs].filter(({ spot }) => spot === this);
  }

  #anew(fault: Fault | undefined): void {
    this.fault = fault;
    this.happened = false;
    this.commands = 0;
    this.passed.client = 0;
    this.passed.server = 0;
  }
}

/** A server's address, or the path of its socket. */
export type Target = Address | { readonly path: string };

export type FaultyWire = Address & Spot & { close(): Promise<void> };

interface Pair {
  readonly client: net.Socket;
  readonly server: net.Socket;
  /** Undefined: it isn't known yet what this connection is for. */
  spot: Spot | undefined;
  /** What has passed on this connection since it came. */
  readonly passed: Record<Side, number>;
  /** Nothing passes any more. */
  dead: boolean;
  /** Something stands in it that no side has said: it may be waited for what never comes. */
  spoilt: boolean;
}

/** What a real server refuses without doing anything. */
const REFUSED = { NO: 'CREATE "INBOX"', BAD: 'XFAULT' } as const;

/** Which spot a connection belongs to. */
export interface Sorting {
  /** When it comes. Undefined: that will show. */
  accepted(): Spot | undefined;
  /** With each thing that the client says, before it passes; `wait`: more is needed to tell, and nothing passes so long. */
  said(bytes: Buffer, now: Spot | undefined): Spot | undefined | 'wait';
  /** It is known now; so much had passed before. */
  named?(passed: Readonly<Record<Side, number>>): void;
}

/** One fault at a time, whatever a connection is for. */
export async function openFaultyWire(target: Target): Promise<FaultyWire> {
  const pairs = new Set<Pair>();
  const spot = new Spot(pairs);
  const opened = await open(target, pairs, { accepted: () => spot, said: () => spot });
  return Object.assign(spot, opened);
}

export interface SortedWire extends Address {
  /** How many connections have come. */
  readonly connections: number;
  /** The most that has passed on one before it was known what it is for. */
  readonly unknown: Readonly<Record<Side, number>>;
  newSpot(): Spot;
  close(): Promise<void>;
}

/** One fault at a time for each kind of connection that `sorting` tells apart. */
export async function openSortedWire(target: Target, sorting: Sorting): Promise<SortedWire> {
  const pairs = new Set<Pair>();
  let connections = 0;
  const unknown = { client: 0, server: 0 };
  const counted: Sorting = {
    ...sorting,
    named: (passed) => {
      for (const side of ['client', 'server'] as const) unknown[side] = Math.max(unknown[side], passed[side]);
    },
    accepted: () => {
      connections++;
      return sorting.accepted();
    },
  };
  const opened = await open(target, pairs, counted);
  return {
    ...opened,
    get connections() {
      return connections;
    },
    unknown,
    newSpot: () => new Spot(pairs),
  };
}

const end = ({ client, server }: Pair) => {
  client.destroy();
  server.destroy();
};

function happen(pair: Pair, spot: Spot, what: Fault): void {
  spot.happened = true;
  if (what.kind === 'cut') end(pair);
  if (what.kind === 'half-open') pair.server.destroy();
  if (what.kind === 'silence' || what.kind === 'half-open') pair.dead = true;
}

/** In the middle of what a side says: what comes before it passes. */
function breakAt(pair: Pair, spot: Spot, to: net.Socket, bytes: Buffer, at: number, now: Fault): void {
  if (at > 0) to.write(bytes.subarray(0, at));
  if (now.kind === 'garbage') {
    spot.happened = true;
    pair.spoilt = true;
    to.write(Buffer.concat([Buffer.from(now.octets, 'latin1'), bytes.subarray(at)]));
  } else {
    pair.dead = true;
    setImmediate(() => happen(pair, spot, now)); // what was before it has gone out
  }
}

function farewell(pair: Pair, spot: Spot, bytes: Buffer, upTo: number): void {
  spot.happened = true;
  pair.client.end(Buffer.concat([bytes.subarray(0, upTo), Buffer.from('* BYE it goes down\r\n')]));
  pair.server.destroy();
}

function pass(pair: Pair, side: Side, bytes: Buffer): void {
  const to = side === 'client' ? pair.server : pair.client;
  pair.passed[side] += bytes.length;
  const { spot } = pair;
  if (spot === undefined) return void to.write(bytes);
  const before = spot.passed[side];
  spot.passed[side] += bytes.length;
  if (pair.dead) return;
  const { fault } = spot;
  const now = spot.happened ? undefined : fault;
  const reached = now !== undefined && 'after' in now && before + bytes.length > now.after;
  const at = reached ? Math.max(0, now.after - before) : 0;
  const line = bytes.indexOf('\r\n', at);
  if (fault?.kind === 'trickle') {
    spot.happened = true;
    for (const octet of bytes) to.write(Buffer.of(octet));
  } else if (reached && 'of' in now && now.of === side) breakAt(pair, spot, to, bytes, at, now);
  else if (reached && now.kind === 'bye' && side === 'server' && line >= 0) farewell(pair, spot, bytes, line + 2);
  else to.write(bytes);
}

/** What the client says, with the command in it that is to be refused exchanged for another. */
function commandsIn({ dead, spot }: Pair, bytes: Buffer): Buffer {
  if (dead || spot === undefined) return bytes;
  const lines = bytes.toString('latin1').split(/(?<=\r\n)/);
  const said = lines.map((line) => {
    const [tag = '', word = ''] = line.trimEnd().split(' ');
    if (!/^[A-Za-z]?[0-9A-F]+$/i.test(tag) || !/^[A-Z]+$/i.test(word) || !line.endsWith('\r\n')) return line;
    spot.commands++;
    const { fault } = spot;
    if (fault?.kind !== 'answer' || spot.happened || spot.commands !== fault.command || /\{\d+\+?\}\r\n$/.test(line))
      return line;
    spot.happened = true;
    return `${tag} ${REFUSED[fault.say]}\r\n`;
  });
  return Buffer.from(said.join(''), 'latin1');
}

async function open(target: Target, pairs: Set<Pair>, sorting: Sorting): Promise<Address & { close(): Promise<void> }> {
  let closing = false;
  const listener = net.createServer({ noDelay: true }, (client) => {
    client.on('error', () => {}); // 'close' follows
    if (closing) return void client.destroy(); // it was on its way
    const spot = sorting.accepted();
    if (spot?.fault?.kind === 'refused') {
      spot.happened = true;
      client.resetAndDestroy();
      return;
    }
    const server = net.connect({ ...target, noDelay: true });
    server.on('error', () => {});
    const pair: Pair = { client, server, spot, passed: { client: 0, server: 0 }, dead: false, spoilt: false };
    pairs.add(pair);
    let held = Buffer.alloc(0);
    let known = false;
    client.on('data', (bytes) => {
      held = Buffer.concat([held, bytes]);
      const whose = sorting.said(held, pair.spot);
      if (whose === 'wait') return;
      if (whose !== undefined && whose !== pair.spot) {
        // What passed before it was known whose it is belongs to it.
        for (const side of ['client', 'server'] as const) if (!known) whose.passed[side] += pair.passed[side];
        if (!known) sorting.named?.(pair.passed);
        known = true;
        pair.spot = whose;
      }
      const all = held;
      held = Buffer.alloc(0);
      pass(pair, 'client', commandsIn(pair, all));
    });
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
  return {
    host: '127.0.0.1',
    port: (listener.address() as net.AddressInfo).port,
    close: async () => {
      closing = true;
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const pair of pairs) end(pair);
      await closed;
    },
  };
}
