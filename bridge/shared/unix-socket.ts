/** Listening on a Unix socket that one group may use. */
import { type BigIntStats, chmodSync, chownSync, lstatSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import net from 'node:net';
import { basename, dirname } from 'node:path';
import { othersMayChange } from '../../config/trusted.ts';
import { Failure } from './failure.ts';

export interface SocketPlace {
  readonly path: string;
  readonly gid: number;
  readonly mode: number;
  /** Where the configuration names it: `[sender_rules] socketmap_path`. */
  readonly setting: string;
}

/** Where the socket is made, before it takes its place in one step. */
const made = (path: string) => `${path}~`;
/** The socket on which bridge/sidecar/stand-in.ts waits; a link at the place itself leads there meanwhile. */
export const waitingPath = (path: string): string => `${path}.wait`;

/** sun_path holds 108 bytes on Linux, a NUL included; what is longer would be cut without a word. */
const LONGEST_PATH = 107 - Buffer.byteLength(made(''));

/**
 * It appears at its place ready: the group and mode set, and answering. One that nobody answers on is replaced, and so is a stand-in; the
 * name goes with the server, unless somebody else has taken the place by then.
 */
export async function listenOn(server: net.Server, { path, gid, mode, setting }: SocketPlace): Promise<void> {
  const refused = (why: string, hint: string, cause?: unknown) =>
    new Failure('config', `can't listen on ${path}: ${why}`, `${hint}; see ${setting}`, { cause });
  if (Buffer.byteLength(path) > LONGEST_PATH) throw refused(`it is longer than ${LONGEST_PATH} bytes`, 'shorten it');
  refuseSharedDirectory(path, setting);
  if (replaceable({ path, setting }) === 'socket' && (await answers(path))) {
    const hint = `is "mandat run" or "mandat filter" running? stop it first, or see ${setting}`;
    throw new Failure('config', `another program listens on ${path} already`, hint);
  }
  const first = made(path);
  rmSync(first, { force: true }); // left by a start that was killed
  const before = process.umask(0o177); // bound within the call: nobody else gets in before group and mode are set
  try {
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen({ path: first, backlog: 1024 }, () => {
        server.off('error', failed);
        done();
      });
      process.umask(before);
    });
    chownSync(first, -1, gid);
    chmodSync(first, mode);
    const ours = identity(statOf(first));
    renameSync(first, path);
    server.once('close', () => {
      if (identity(statOf(path)) === ours) rmSync(path, { force: true });
    });
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

const statOf = (path: string) => lstatSync(path, { throwIfNoEntry: false, bigint: true });

const identity = (stat: BigIntStats | undefined) => stat && `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;

export type Occupant = 'nobody' | 'socket' | 'stand-in' | 'other';

/** What is at a socket's place. `stand-in`: somebody stands in there, or did until they were killed. */
export function occupantOf(path: string): Occupant {
  const stat = statOf(path);
  if (stat === undefined) return 'nobody';
  if (stat.isSymbolicLink() && readlinkSync(path) === basename(waitingPath(path))) return 'stand-in';
  return stat.isSocket() ? 'socket' : 'other';
}

/** The same. Fails `config` where it is not ours to put anything in its place. */
export function replaceable({ path, setting }: Pick<SocketPlace, 'path' | 'setting'>): Occupant {
  const occupant = occupantOf(path);
  if (occupant !== 'other') return occupant;
  throw new Failure('config', `${path} is there and is no socket`, `move it away; see ${setting}`);
}

/**
 * Whoever may write the directory of a socket puts their own in its place, and is given what was meant for us. Fails `config` unless it is, and
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

/** A socket that nobody answers on is left over from a process that was killed. Who has too much to do is there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}
