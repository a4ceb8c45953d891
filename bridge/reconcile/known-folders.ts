/** Which folders stood there before our first write in a mailbox, so that a copy of our entry never passes for one that did. */
import { foldersSeen } from '../store/state/folders-seen.ts';
import { INBOX, type OwnerView } from './driver-interfaces.ts';
import type { Pass, Target } from './pass.ts';

/** Within which a server lists folders with their ids that has an index of them. */
const INDEXED_MS = 1000;

/** So many folders' entries are told sooner than their ids, for which a server may have to make an index of each. */
const FEW = 50;

/**
 * Of each newcomer, ids of folders among which those with an entry of theirs are that stood there before our first write: those last seen,
 * so that a grant takes no longer in a large tree than in a small one. The server is asked where we never looked, and where somebody else has
 * shared something with a newcomer already: then a folder made since the last look may hold the same rights by another's hand. Where there are few
 * folders, or it takes long over the ids, it is asked for the entries instead, which it knows without an index.
 */
export async function knownFolders(
  { site }: Pass,
  target: Target,
  owner: OwnerView,
): Promise<(login: string) => readonly string[]> {
  const sharedAlready = target.arriving.some(({ login }) => owner.inbox.has(login));
  const seen = sharedAlready ? undefined : await foldersSeen(site.state, site.server.name, target.owner);
  if (seen !== undefined) return () => seen;
  const names = await owner.names();
  if (names.length > FEW) {
    const quick = AbortSignal.timeout(INDEXED_MS);
    try {
      const all = (await owner.folders(quick)).map(({ id }) => id);
      return () => all;
    } catch (error) {
      if (!quick.aborted) throw error;
    }
  }
  const [entries, ofInbox] = await Promise.all([owner.entries(names), owner.ids([INBOX])]);
  const logins = target.arriving.map(({ login }) => login);
  const shared = [...entries].filter(([, there]) => logins.some((login) => there.has(login))).map(([name]) => name);
  const ids = new Map([...(shared.length > 0 ? await owner.ids(shared) : []), ...ofInbox]);
  return (login) => [...ids].filter(([name]) => name === INBOX || entries.get(name)?.has(login)).map(([, id]) => id);
}
