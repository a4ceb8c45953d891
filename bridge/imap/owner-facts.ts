/** What owners' own sessions show, and delegates' sessions need: how an owner names the folders, and by which id one of them is known again. */

import { INBOX } from '../reconcile/driver-interfaces.ts';
import { failureOf } from '../shared/failure.ts';
import type { FolderName } from '../store/state/ledger-pairs.ts';
import { atom, text } from './arguments.ts';
import type { Connection } from './connection.ts';
import type { Namespaces } from './namespaces.ts';

export interface KnownOwner {
  readonly namespaces: Pick<Namespaces, 'personal'>;
  /** A folder of theirs and the server's own id of it, where it has any: whoever sees this id looks at this owner's mailbox. */
  readonly proof: { readonly folder: FolderName; readonly id: string } | undefined;
}

export interface Owners {
  note(login: string, known: KnownOwner): void;
  /** How their folders were called when they were last listed: what is likely to be asked about. */
  noteFolders(login: string, folders: readonly FolderName[]): void;
  folders(login: string): readonly FolderName[];
  /** Asked in a session of theirs where none has been open yet. */
  of(login: string): Promise<KnownOwner | undefined>;
}

/** So many owners' facts are kept, the latest: however many there are, each is noted anew when somebody is logged in as them. */
const MOST_KNOWN = 5000;
/** And so many names of each one's folders: of a larger tree none. */
const MOST_FOLDERS = 50;

/** @param look opens a session of the owner's and finds out; fails `absent` where there is no such account */
export function ownersBy(look: (login: string) => Promise<KnownOwner>): Owners {
  const known = new Map<string, KnownOwner>();
  const named = new Map<string, readonly FolderName[]>();
  const note = (login: string, one: KnownOwner) => keepLatest(known, login, one);
  return {
    note,
    noteFolders: (login, folders) => keepLatest(named, login, folders.length > MOST_FOLDERS ? [] : folders),
    folders: (login) => named.get(login) ?? [],
    of: async (login) => {
      const there = known.get(login);
      if (there !== undefined) return there;
      try {
        const seen = await look(login);
        note(login, seen);
        return seen;
      } catch (error) {
        if (failureOf(error).rule === 'NO_ACCOUNT') return undefined;
        throw error;
      }
    },
  };
}

function keepLatest<T>(all: Map<string, T>, login: string, one: T): void {
  all.delete(login);
  all.set(login, one);
  for (const [oldest] of all) {
    if (all.size <= MOST_KNOWN) break;
    all.delete(oldest);
  }
}

/** In a session of the owner's. `folderId`: what STATUS calls a folder's id. */
export async function knownBy(connection: Connection, folderId: string | undefined): Promise<KnownOwner> {
  const [namespaces, id] = await Promise.all([connection.namespaces(), idOf(connection, INBOX, folderId)]);
  return { namespaces, proof: id === undefined ? undefined : { folder: INBOX, id } };
}

/** Undefined where the folder isn't there, or may not be read. */
export async function idOf(
  connection: Connection,
  name: string,
  folderId: string | undefined,
): Promise<string | undefined> {
  if (folderId === undefined) return undefined;
  const asked = await connection.run('STATUS', [text(name), [atom(folderId)]], 'STATUS');
  const values = asked.ok ? asked.untagged[0]?.values[1] : undefined;
  return Array.isArray(values) ? String(values[1]) : undefined;
}
