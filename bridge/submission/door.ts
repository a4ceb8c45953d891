/**
 * Where the filter listens. A Unix socket is for one group only: whoever may connect can claim any login, since the filter believes the
 * Received field on top. A loopback port is open to every user of the machine.
 */
import { chmodSync, chownSync, existsSync, lstatSync, unlinkSync } from 'node:fs';
import net from 'node:net';
import type { SMTPServer } from 'smtp-server';
import type { Config } from '../../config/schema.ts';
import { Failure } from '../failure.ts';
import { groupId } from '../store/files.ts';
import { refuseSharedDirectory } from '../unix-socket.ts';

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
  if (door.kind === 'port') return listening(server, door, { host: door.host, port: door.port });
  const gid = groupId(door.group);
  if (gid === undefined) {
    throw new Failure(
      'config',
      `there is no Unix group "${door.group}"`,
      'set [sender_rules] group to that of Postfix',
    );
  }
  refuseSharedDirectory(door.path, '[submission] listen and copy_listen');
  await removeStale(door.path);
  const before = process.umask(0o177); // nobody else may connect before the mode is set
  try {
    await listening(server, door, { path: door.path });
  } finally {
    process.umask(before);
  }
  try {
    chownSync(door.path, -1, gid);
  } catch (error) {
    throw new Failure(
      'config',
      `${door.path} can't be given to group ${door.group}`,
      'run as root, or as a member of it',
      {
        cause: error,
      },
    );
  }
  chmodSync(door.path, 0o660);
}

function listening(server: net.Server, door: Door, options: net.ListenOptions): Promise<void> {
  return new Promise((done, failed) => {
    const refused = (cause: Error) =>
      failed(
        new Failure(
          'config',
          `mandat can't listen on ${named(door)}: ${cause.message}`,
          'see [submission] listen and copy_listen',
          { cause },
        ),
      );
    server.once('error', refused);
    server.listen({ ...options, backlog: 1024 }, () => {
      server.off('error', refused);
      done();
    });
  });
}

const named = (door: Door) => (door.kind === 'socket' ? door.path : `${door.host}:${door.port}`);

/** A socket that nobody answers on is left over from a filter that was killed. Anything else is not ours to remove. */
async function removeStale(path: string): Promise<void> {
  if (!existsSync(path)) return;
  if (!lstatSync(path).isSocket())
    throw new Failure('config', `${path} is there and is no socket`, 'see [submission] listen and copy_listen');
  const alive = await new Promise<boolean>((answer) => {
    const socket = net.connect({ path }, () => {
      socket.destroy();
      answer(true);
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => answer(code !== 'ECONNREFUSED')); // or it has too much to do, say
  });
  if (alive) {
    throw new Failure(
      'config',
      `another program listens on ${path} already`,
      'is "mandat run" or "mandat filter" running? stop it first, or see [submission] listen and copy_listen',
    );
  }
  unlinkSync(path);
}

/** Messages in hand are finished first, for a few seconds. */
export function closeDoor(server: SMTPServer, _door: Door): Promise<void> {
  return new Promise((done) => server.close(() => done()));
}
