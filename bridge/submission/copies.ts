/** The reception of copies, wired: the keeper behind its LMTP listener. */

import { type CopySite, copyKeeper } from './copy.ts';
import { copyServer } from './copy-listener.ts';
import type { Place } from './listening.ts';
import { listenAt } from './listening.ts';

export interface CopyOptions {
  readonly place: Place;
  /** Of Postfix. */
  readonly gid: number | undefined;
  readonly domain: string;
  readonly delayMs: number;
}

export interface Copies {
  /** Lets those in hand finish. */
  close(): Promise<void>;
}

export async function receiveCopies({ place, gid, domain, delayMs }: CopyOptions, site: CopySite): Promise<Copies> {
  const server = copyServer({ domain, delayMs, keep: copyKeeper(site) });
  await listenAt(server.server, place, gid);
  server.on('error', ({ message }) => site.log.debug({ err: message }, 'a copy broke off')); // Postfix tries again
  return { close: () => new Promise((resolve) => server.close(() => resolve())) };
}
