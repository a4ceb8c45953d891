/** A server of ours at the place that is configured: a port of this machine, or a Unix socket. */
import type { Server } from 'node:net';
import { Failure } from './failure.ts';
import { listenOn } from './unix-socket.ts';

/**
 * `listen`: HOST:PORT, or a socket's path. `socketGroup`: whose members may connect to the socket; asked where it is one. `setting`: names the place
 * in the configuration. Resolves when it listens; fails `config` where it can't.
 */
export function listenAt(server: Server, listen: string, setting: string, socketGroup: () => number): Promise<void> {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(listen) ?? [];
  if (port === '') return listenOn(server, { path: listen, gid: socketGroup(), mode: 0o660, setting });
  return new Promise((done, failed) => {
    const refused = (cause: Error) =>
      failed(new Failure('config', `can't listen on ${listen}: ${cause.message}`, `see ${setting}`, { cause }));
    server.once('error', refused);
    server.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }, () => {
      server.off('error', refused);
      done();
    });
  });
}
