/** A wire between the sidecar and Dovecot, byte by byte: it can be cut, and it can fall silent for a while. */
import net from 'node:net';
import type { Address } from '../../../config/lab/lab.ts';

export interface Wire extends Address {
  /** Both ends lose every connection; new ones are taken at once. */
  cut(): void;
  /** Nothing passes any more, either way, on old connections and new ones. */
  silence(): void;
  /** What was held back passes. */
  speak(): void;
  close(): Promise<void>;
}

export async function openWire(target: Address): Promise<Wire> {
  const sockets = new Set<net.Socket>();
  let silent = false;
  const join = (from: net.Socket, to: net.Socket) => {
    sockets.add(from);
    from.on('data', (bytes) => void to.write(bytes));
    from.on('error', () => {}); // 'close' follows
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    if (silent) from.pause();
  };
  const listener = net.createServer({ noDelay: true }, (client) => {
    const server = net.connect({ host: target.host, port: target.port, noDelay: true });
    join(client, server);
    join(server, client);
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
    close: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      cut();
      await closed;
    },
  };
}
