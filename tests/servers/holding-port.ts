/** A port in front of a server: what a client sends is shown piece by piece, and passed on when whoever looks at it is done. */
import net from 'node:net';

export interface HoldingPort {
  readonly port: number;
  close(): Promise<void>;
}

export async function startHoldingPort(target: number, before: (text: string) => Promise<void>): Promise<HoldingPort> {
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((client) => {
    const server = net.connect({ host: '127.0.0.1', port: target, noDelay: true });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one);
      one
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
    }
    server.on('data', (bytes) => client.write(bytes));
    let last: Promise<unknown> = Promise.resolve();
    client.on('data', (bytes) => {
      last = last.then(() => before(bytes.toString('latin1'))).then(() => server.write(bytes));
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as net.AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
