import net from 'node:net';

/** True when something on this loopback port accepts a connection and, where the protocol wants it, speaks. */
export function greets(port: number, speaksFirst: boolean, limitMs = 5_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    const answer = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.setTimeout(limitMs, () => answer(false));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
    socket.once(speaksFirst ? 'data' : 'connect', () => answer(true));
  });
}
