/**
 * Stands in for the sidecar's sockets while the program is exchanged: what Postfix connects to is accepted and kept waiting, so that no
 * submission is refused meanwhile, and handed on, octet by octet, to whoever takes the place. Postfix waits 100 s (smtpd_proxy_timeout).
 *
 * It listens on PATH.wait, with a link to it at PATH. Who listens at PATH next puts their socket over the link, in one step
 * (unix-socket.ts), and this ends when all that waited is through.
 */
import { renameSync, rmSync, symlinkSync } from 'node:fs';
import net from 'node:net';
import { basename } from 'node:path';
import type { FailureCode } from '../shared/failure.ts';
import { listenOn, occupantOf, replaceable, type SocketPlace, waitingPath } from '../shared/unix-socket.ts';

/** What the process in the background says. */
export type FromStandIn =
  | { readonly kind: 'standing'; readonly ports: readonly string[] }
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly message: string; readonly hint: string };

export interface StandInPlace extends SocketPlace {
  /** Hangs up when it has handed an answer back: whoever asks there keeps their connection for long, and makes a new one then. */
  readonly oneAnswer: boolean;
}

export interface StandIn {
  /** Resolves when it is over: true when every place has been taken, false when the time was. */
  readonly ended: Promise<boolean>;
  /** Ends it now; whoever waits is hung up on. */
  close(): Promise<void>;
}

/** Every place, or none: fails `config` where it can't listen. `limitMs`: for how long at most. */
export async function standIn(places: readonly StandInPlace[], limitMs: number): Promise<StandIn> {
  const until = performance.now() + limitMs;
  const posts: Post[] = [];
  try {
    for (const place of places) posts.push(await startPost(place, until));
  } catch (error) {
    await Promise.all(posts.map((post) => post.close()));
    throw error;
  }
  return {
    ended: Promise.all(posts.map((post) => post.over)).then((all) => all.every((taken) => taken)),
    close: async () => {
      await Promise.all(posts.map((post) => post.close()));
    },
  };
}

/** Each of them, for one place. */
interface Post {
  readonly over: Promise<boolean>;
  close(): Promise<void>;
}

/** How often the place is looked at. */
const LOOK_MS = 10;
/** Who had begun to connect before the place was taken is accepted still. */
const LATE_MS = 500;

async function startPost(place: StandInPlace, until: number): Promise<Post> {
  const { path, oneAnswer } = place;
  const open = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket)).on('error', () => {}); // 'close' follows
    if (takenAt !== undefined) handOn(socket, path, oneAnswer);
  });
  replaceable(place);
  await listenOn(server, { ...place, path: waitingPath(path) });
  let takenAt: number | undefined;
  let finish: (taken: boolean) => void = () => {};
  const over = new Promise<boolean>((resolve) => {
    finish = resolve;
  });
  const end = async (taken: boolean) => {
    clearInterval(looking);
    if (occupantOf(path) === 'stand-in') rmSync(path, { force: true });
    const closed = new Promise((resolve) => server.close(resolve));
    if (!taken) for (const socket of open) socket.destroy();
    await closed; // not before the last of those that were handed on has ended
    finish(taken);
  };
  const look = () => {
    const now = performance.now();
    if (takenAt !== undefined) {
      if (now > takenAt + LATE_MS) void end(true);
      return;
    }
    const occupant = occupantOf(path);
    if (occupant === 'nobody') link(path); // who stopped may have taken the name with them
    if (occupant === 'socket') {
      takenAt = now;
      for (const socket of open) handOn(socket, path, oneAnswer);
    } else if (now > until) void end(false);
  };
  link(path);
  const looking = setInterval(look, LOOK_MS);
  return { over, close: () => end(false) };
}

/** In one step: whoever connects meets the one or the other. */
function link(path: string): void {
  const first = `${path}.link`;
  rmSync(first, { force: true });
  symlinkSync(basename(waitingPath(path)), first); // within the directory: Postfix may see it from a chroot
  renameSync(first, path);
}

/** Each side's end is passed on; where one breaks off, so does the other. */
function handOn(waiting: net.Socket, path: string, oneAnswer: boolean): void {
  const next = net.connect({ path, allowHalfOpen: true });
  next.on('error', () => {}).once('close', (broken) => (broken ? waiting.destroy() : waiting.resume()));
  waiting.once('close', (broken) => (broken ? next.destroy() : next.resume())); // so that its end is read
  waiting.pipe(next).pipe(waiting);
  if (oneAnswer) next.once('data', () => next.end()).once('data', () => waiting.end());
}
