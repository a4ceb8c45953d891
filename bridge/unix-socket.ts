/** Listening on a Unix socket that one group may use. */
import { chmodSync, chownSync, lstatSync, rmSync } from 'node:fs';
import net from 'node:net';
import { dirname } from 'node:path';
import { othersMayChange } from '../config/trusted.ts';
import { Failure } from './failure.ts';

export interface SocketPlace {
  readonly path: string;
  readonly gid: number;
  readonly mode: number;
  /** Where the configuration names it: `[sender_rules] socketmap_path`. */
  readonly setting: string;
}

/** sun_path holds 108 bytes on Linux, a NUL included; what is longer would be cut without a word. */
const LONGEST_PATH = 107;

export async function listenOn(server: net.Server, { path, gid, mode, setting }: SocketPlace): Promise<void> {
  const refused = (why: string, hint: string, cause?: unknown) =>
    new Failure('config', `can't listen on ${path}: ${why}`, `${hint}; see ${setting}`, { cause });
  if (Buffer.byteLength(path) > LONGEST_PATH) throw refused(`it is longer than ${LONGEST_PATH} bytes`, 'shorten it');
  refuseSharedDirectory(path, setting);
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !there.isSocket()) throw refused('something else than a socket is there', 'move it away');
  if (there !== undefined && (await answers(path))) throw refused('another program does', 'stop it first');
  rmSync(path, { force: true }); // left by one that was killed
  const before = process.umask(0o177); // bound within the call: nobody else gets in before group and mode are set
  try {
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen({ path, backlog: 1024 }, () => {
        server.off('error', failed);
        done();
      });
      process.umask(before);
    });
    chownSync(path, -1, gid);
    chmodSync(path, mode);
  } catch (error) {
    server.close();
    throw refused(
      error instanceof Error ? error.message : String(error),
      'its directory must be there, and this user in its group',
      error,
    );
  } finally {
    process.umask(before);
  }
}

/**
 * Whoever may write the directory of a socket puts his own in its place, and is given what was meant for us. Fails `config` unless it is, and
 * every directory above it, in the hands of root and the user (by default who asks).
 */
export function refuseSharedDirectory(path: string, setting: string, uid?: number): void {
  const directory = dirname(path);
  let wrong: string | undefined;
  try {
    wrong = othersMayChange(directory, uid)?.message;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(
      'config',
      `can't listen on ${path}: ${directory} ${code === 'ENOENT' ? 'is not there' : `can't be looked at (${code})`}`,
      `"mandat init" makes runtime_dir; see ${setting}`,
      { cause: error },
    );
  }
  if (wrong === undefined) return;
  throw new Failure(
    'config',
    `can't listen on ${path}: ${wrong}`,
    `a socket belongs into a directory that only mandat may write, such as /run/mandat (runtime_dir); see ${setting}`,
  );
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
