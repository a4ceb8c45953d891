/** A wire between the sidecar and Dovecot, byte by byte: it can be cut, it can fall silent for a while, and it can spring a trap at a command. */
import net from 'node:net';
import type { Address } from '../../../config/lab/lab.ts';

export interface Wire extends Address {
  /** Both ends lose every connection; new ones are taken at once. */
  cut(): void;
  /** Nothing passes any more, either way, on old connections and new ones. */
  silence(): void;
  /** What was held back passes. */
  speak(): void;
  readonly silent: boolean;
  /** Springs once, at the nth such command from now on. */
  arm(trap: Trap): void;
  disarm(): void;
  readonly armed: boolean;
  close(): Promise<void>;
}

export interface Trap {
  readonly command: string;
  readonly nth: number;
  /** `before`: the server never hears of the command. `after`: it has done it, and its answer never comes. */
  readonly side: 'before' | 'after';
  readonly sprung: (line: string) => void;
}

export async function openWire(target: Address): Promise<Wire> {
  const sockets = new Set<net.Socket>();
  let silent = false;
  let trap: (Trap & { nth: number }) | undefined;
  /** The server's next bytes on this connection spring it. */
  let waiting: { readonly server: net.Socket; readonly line: string; readonly trap: Trap } | undefined;

  /** Whether bytes of the client go on to the server. */
  const asked = (text: string, server: net.Socket): boolean => {
    if (trap === undefined) return true;
    const found = text.match(new RegExp(`^\\S+ (?:UID )?${trap.command} .*`, 'gm')) ?? [];
    trap.nth -= found.length;
    if (found.length === 0 || trap.nth > 0) return true;
    const [sprung, line] = [trap, found.at(-1) ?? ''];
    trap = undefined;
    if (sprung.side === 'after') {
      waiting = { server, line, trap: sprung };
      return true;
    }
    sprung.sprung(line);
    return false;
  };
  /** Whether bytes of the server go on to the client. */
  const answered = (server: net.Socket): boolean => {
    if (waiting?.server !== server) return true;
    const { trap, line } = waiting;
    waiting = undefined;
    trap.sprung(line);
    return false;
  };
  const join = (from: net.Socket, to: net.Socket, passes: (bytes: Buffer) => boolean) => {
    sockets.add(from);
    from.on('data', (bytes) => void (passes(bytes) && to.write(bytes)));
    from.on('error', () => {}); // 'close' follows
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    if (silent) from.pause();
  };
  const listener = net.createServer({ noDelay: true }, (client) => {
    const server = net.connect({ host: target.host, port: target.port, noDelay: true });
    join(client, server, (bytes) => asked(bytes.toString('latin1'), server));
    join(server, client, () => answered(server));
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    host: '127.0.0.1',
    port: (listener.address() as net.AddressInfo).port,
    cut,
    silence: () => {
      silent = true;
      for (const socket of sockets) socket.pause();
    },
    speak: () => {
      silent = false;
      for (const socket of sockets) socket.resume();
    },
    get silent() {
      return silent;
    },
    arm: (one) => {
      trap = { ...one };
      waiting = undefined;
    },
    disarm: () => {
      trap = undefined;
      waiting = undefined;
    },
    get armed() {
      return trap !== undefined || waiting !== undefined;
    },
    close: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      cut();
      await closed;
    },
  };
}
