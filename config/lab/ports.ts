import net from 'node:net';

/** Below Linux's ephemeral range (32768 up): no outgoing connection can be given one of these meanwhile. */
const LOWEST = 20_000;
const HIGHEST = 32_000;
const ATTEMPTS = 200;

export interface LabPorts {
  readonly imap: number;
  readonly imaps: number;
  readonly doveadm: number;
  /** Where mail from outside arrives: the port 25 of the lab. */
  readonly smtp: number;
  readonly submission: number;
  /** Where the filter hands messages back; nothing listens there without `filter`. */
  readonly reinject: number;
}

/** Ports of 127.0.0.1 that no other lab on this machine will take until release(), server up or down. */
export interface PortReservation {
  readonly ports: readonly number[];
  release(): Promise<void>;
}

/**
 * Reserves free loopback ports.
 *
 * Finding a port free does not make it ours: two labs starting together would find the same one, and a lab whose server
 * is down for a restart test would lose it. So each port has a listener on an abstract Unix socket, which the kernel gives
 * to one process only and takes back when that process dies.
 */
export async function reservePorts(count: number): Promise<PortReservation> {
  const held = new Map<number, net.Server>();
  const release = async () => {
    await Promise.all([...held.values()].map(close));
    held.clear();
  };
  for (let attempt = 0; held.size < count; attempt++) {
    if (attempt === ATTEMPTS) {
      await release();
      throw new Error(`no free loopback port after ${ATTEMPTS} attempts between ${LOWEST} and ${HIGHEST}`);
    }
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (held.has(port)) continue;
    const lock = await listen({ path: `\0mandat-lab-port-${port}` });
    if (!lock) continue;
    if (await isFree(port)) held.set(port, lock);
    else await close(lock);
  }
  return { ports: [...held.keys()], release };
}

async function isFree(port: number): Promise<boolean> {
  const probe = await listen({ host: '127.0.0.1', port });
  if (probe) await close(probe);
  return probe !== undefined;
}

function listen(options: net.ListenOptions): Promise<net.Server | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', () => resolve(undefined));
    server.listen(options, () => {
      server.unref();
      resolve(server);
    });
  });
}

function close(server: net.Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
