/**
 * Where the filter listens. A Unix socket is for one group only: whoever may connect can claim any login, since the filter believes the
 * Received field on top. A loopback port is open to every user of the machine.
 */
import type net from 'node:net';
import type { SMTPServer } from 'smtp-server';
import type { Config } from '../../config/schema.ts';
import { Failure } from '../shared/failure.ts';
import { listenOn, type SocketPlace } from '../shared/unix-socket.ts';
import { groupId } from '../store/databases.ts';

const SETTING = '[submission] listen and copy_listen';

export type Door =
  | { readonly kind: 'socket'; readonly path: string; readonly group: string }
  | { readonly kind: 'port'; readonly host: string; readonly port: number };

export function doorOf(config: Config): Door {
  return doorAt(config.submission?.listen ?? '', config);
}

/** As a key of [submission] says it. */
export function doorAt(listen: string, { senderRules }: Config): Door {
  if (/:\d+$/.test(listen)) return { kind: 'port', ...hostAndPort(listen) };
  return { kind: 'socket', path: listen, group: senderRules?.group ?? 'postfix' };
}

export function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(colon + 1)) };
}

export async function openDoor(server: net.Server, door: Door): Promise<void> {
  if (door.kind === 'socket') return listenOn(server, socketPlace(door));
  return new Promise((done, failed) => {
    const refused = (cause: Error) =>
      failed(
        new Failure('config', `can't listen on ${door.host}:${door.port}: ${cause.message}`, `see ${SETTING}`, {
          cause,
        }),
      );
    server.once('error', refused);
    server.listen({ host: door.host, port: door.port, backlog: 1024 }, () => {
      server.off('error', refused);
      done();
    });
  });
}

export function socketPlace({ path, group }: Extract<Door, { kind: 'socket' }>): SocketPlace {
  const gid = groupId(group);
  if (gid !== undefined) return { path, gid, mode: 0o660, setting: SETTING };
  throw new Failure('config', `there is no Unix group "${group}"`, 'set [sender_rules] group to that of Postfix');
}

/** Messages in hand are finished first, for a few seconds. */
export function closeDoor(server: SMTPServer, _door: Door): Promise<void> {
  return new Promise((done) => server.close(() => done()));
}
