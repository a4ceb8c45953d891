/** A port of this machine that nobody uses. */
import { createServer } from 'node:net';
import { Failure } from '../shared/failure.ts';

const MOST = 50;

/** The first free one from here on, on loopback. */
export async function freePort(from: number): Promise<number> {
  for (let port = from; port < from + MOST; port++) if (await isFree(port)) return port;
  throw new Failure('config', `no port is free from ${from} to ${from + MOST - 1}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
