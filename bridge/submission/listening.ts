/** Where Postfix meets us: a Unix socket that its group alone may use, or a port of loopback, which everybody on the machine may. */
import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { Failure } from '../failure.ts';

export type Place =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'port'; readonly host: string; readonly port: number };

/** Resolves when it listens. `gid`: the group that may connect to a socket; undefined: the owner alone. */
export async function listenAt(server: Server, place: Place, gid: number | undefined): Promise<void> {
  if (place.kind === 'socket') await removeStale(place.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(unheard(place, error)));
    server.listen(place.kind === 'socket' ? { path: place.path } : { host: place.host, port: place.port }, resolve);
  });
  if (place.kind === 'port') return;
  try {
    if (gid !== undefined) chownSync(place.path, -1, gid);
    chmodSync(place.path, 0o660); // until here nobody but its owner could connect
  } catch (error) {
    server.close();
    throw unheard(place, error as NodeJS.ErrnoException);
  }
}

/** Left over by a process that was killed. One that answers is another process's. */
async function removeStale(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const served = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once('error', () => resolve(false));
    probe.once('connect', () => resolve(true));
    probe.once('connect', () => probe.destroy());
  });
  if (!served) unlinkSync(path);
}

function unheard(place: Place, error: NodeJS.ErrnoException): Failure {
  const where = place.kind === 'socket' ? place.path : `${place.host}:${place.port}`;
  return new Failure(
    'config',
    `mandat can't listen at ${where}: ${error.code ?? error.message}`,
    error.code === 'EADDRINUSE'
      ? 'another process does: is a sidecar running already?'
      : 'its user must be able to write that directory, and be in the group of Postfix',
    { cause: error },
  );
}
