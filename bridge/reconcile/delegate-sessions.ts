/**
 * Sessions that outlast our own cuts. `kick` ends every session of a login, and colleagues often delegate to each other: what ends
 * one's access then also ends the sessions in which we work for the other. Such a session is opened again, and its work goes on.
 */
import { failureOf } from '../shared/failure.ts';
import type { DelegateView, MailServer, OwnerView, Patience } from './driver-interfaces.ts';
import type { Gate } from './login-turns.ts';
import { isFull, withRoom } from './making-room.ts';
import type { Pass } from './pass.ts';

/** More often than other mailboxes can honestly cut somebody meanwhile. */
const ATTEMPTS = 20;

/**
 * `work` may be done more than once, each time with a fresh session of the delegate's, closed again whatever happens. `mayCut`: their own
 * sessions may be ended to make room for it.
 */
export async function asDelegate<T>(
  pass: Pass,
  login: string,
  work: (view: DelegateView) => Promise<T>,
  mayCut = false,
): Promise<T> {
  return survivingCuts(pass.site.gate, login, async () => {
    const view = await withRoom(pass, login, mayCut, () => pass.site.server.asDelegate(login));
    try {
      return await work(view);
    } finally {
      view.close();
    }
  });
}

/**
 * As the owner; a command is given once more when a cut came in between, so each must bear being repeated. `mayCut`: the owner's own
 * sessions may be ended to make room for it. `looks`: see {@link MailServer.asOwner}.
 */
export async function asOwner(
  pass: Pass,
  login: string,
  mayCut: boolean,
  patience?: Patience,
  looks = false,
): Promise<OwnerView> {
  const { gate, server } = pass.site;
  const open = (waits?: Patience, ahead = false) =>
    survivingCuts(gate, login, async () => {
      const wasCut = gate.watch(login);
      return { view: await withRoom(pass, login, mayCut, () => server.asOwner(login, waits, ahead)), wasCut };
    });
  const first = await open(patience, looks);
  let now = first;
  let dropped = false;
  const steadily = async <T>(command: (view: OwnerView) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      if (dropped) now = await open();
      dropped = false;
      try {
        return await command(now.view);
      } catch (error) {
        if (attempt === ATTEMPTS || !passesAway(error) || !now.wasCut()) throw error;
        now.view.close();
        now = await open();
      }
    }
  };
  return {
    login,
    inbox: first.view.inbox,
    withheld: first.view.withheld,
    inherits: first.view.inherits,
    ties: first.view.ties,
    folders: async (waits) => {
      try {
        return await steadily((view) => view.folders(waits));
      } finally {
        if (waits?.aborted === true) dropped = true; // and the session with it
      }
    },
    names: () => steadily((view) => view.names()),
    ids: (folders) => steadily((view) => view.ids(folders)),
    entries: (folders, closed) => steadily((view) => view.entries(folders, closed)),
    set: (folder, identifier, rights) => steadily((view) => view.set(folder, identifier, rights)),
    remove: (folder, identifier) => steadily((view) => view.remove(folder, identifier)),
    subscribed: () => steadily((view) => view.subscribed()),
    subscribe: (folder) => steadily((view) => view.subscribe(folder)),
    carriedOff: () => steadily((view) => view.carriedOff()),
    close: () => now.view.close(),
  };
}

async function survivingCuts<T>(gate: Gate, login: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const wasCut = gate.watch(login);
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !passesAway(error) || !wasCut()) throw error;
    }
  }
}

/** What may go better in another session. */
export const passesAway = (error: unknown): boolean => failureOf(error).code === 'retry' && !isFull(error);
