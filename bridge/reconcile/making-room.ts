/**
 * A place at a server that takes only so many sessions of one login from our address (Dovecot: mail_max_userip_connections), when a webmail
 * on the same machine holds them all. A revoke can't wait until its user leaves: whoever has lost the mailbox goes on reading it.
 * So their sessions are ended, and ours is opened before theirs come back. A mail program connects anew by itself.
 */
import { failureOf } from '../shared/failure.ts';
import type { Pass } from './pass.ts';

/** They come back at once, and may be first. */
const ATTEMPTS = 3;

/** Opens a session as `login`; where it may and can, it ends those that are in its way. */
export async function withRoom<T>({ site }: Pass, login: string, may: boolean, open: () => Promise<T>): Promise<T> {
  const { cutter, gate } = site;
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (!isFull(error) || !may || cutter === undefined || attempt === ATTEMPTS) throw error;
      const cut = await gate.cut(login, () => cutter.cut(login));
      await cut.ended().catch(() => {}); // one that goes on may still have left room
    }
  }
}

export function isFull(error: unknown): boolean {
  return failureOf(error).rule === 'TOO_MANY_SESSIONS';
}
