/** A TCP port that leads to another one while it is open, and to nothing while it is shut. */
import net from 'node:net';

export interface TcpGate {
  readonly port: number;
  open(): void;
  shut(): void;
  close(): Promise<void>;
}

export async function startGate(targetPort: number): Promise<TcpGate> {
  let isOpen = true;
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((client) => {
    const keep = (socket: net.Socket) => {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
      return socket;
    };
    keep(client);
    if (!isOpen) return void client.destroy();
    const server = keep(net.connect({ host: '127.0.0.1', port: targetPort }));
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (listener.address() as net.AddressInfo).port,
    open: () => {
      isOpen = true;
    },
    shut: () => {
      isOpen = false;
      drop();
    },
    close: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      drop();
      await closed;
    },
  };
}
