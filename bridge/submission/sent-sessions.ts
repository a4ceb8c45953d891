/**
 * Owners' Sent folders, one session an owner for all that waits: a login costs more than a copy. One piece of work at a time in a
 * mailbox, since two that look at once would both find nothing.
 */
import type { SentFolder, SentFolders } from './sent-folder.ts';

export interface SentSessions {
  /** Work that is lost with a session that was open already is done again on a new one. */
  inSent<T>(login: string, work: (folder: SentFolder) => Promise<T>): Promise<T>;
  close(): void;
}

/** How long a session waits for the next copy. */
const LINGER_MS = 2000;

export function sentSessions(sent: SentFolders, lingerMs = LINGER_MS): SentSessions {
  const turns = new Map<string, Promise<unknown>>();
  const idle = new Map<string, { readonly folder: SentFolder; readonly timer: NodeJS.Timeout }>();
  let closed = false;

  const keep = (login: string, folder: SentFolder) => {
    if (closed) return folder.close();
    const timer = setTimeout(() => {
      idle.delete(login);
      folder.close();
    }, lingerMs);
    timer.unref();
    idle.set(login, { folder, timer });
  };
  const kept = (login: string): SentFolder | undefined => {
    const found = idle.get(login);
    idle.delete(login);
    clearTimeout(found?.timer);
    return found?.folder;
  };
  const on = async <T>(login: string, folder: SentFolder, work: (folder: SentFolder) => Promise<T>): Promise<T> => {
    try {
      const done = await work(folder);
      keep(login, folder);
      return done;
    } catch (error) {
      folder.close();
      throw error;
    }
  };
  const once = async <T>(login: string, work: (folder: SentFolder) => Promise<T>): Promise<T> => {
    const waiting = kept(login);
    if (waiting !== undefined) {
      try {
        return await on(login, waiting, work);
      } catch {
        // It may have ended meanwhile: a new one tells.
      }
    }
    return on(login, await sent.open(login), work);
  };
  return {
    inSent: (login, work) => {
      const before = turns.get(login) ?? Promise.resolve();
      const mine = before.then(
        () => once(login, work),
        () => once(login, work),
      );
      turns.set(login, mine);
      return mine.finally(() => {
        if (turns.get(login) === mine) turns.delete(login);
      });
    },
    close: () => {
      closed = true;
      for (const login of [...idle.keys()]) kept(login)?.close();
    },
  };
}
