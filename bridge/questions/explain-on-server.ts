/** What `explain` asks the server: the owner's tree, and what a delegate sees of it. A server that can't be asked is told of, and no failure. */
import type { Rights } from '../../acl/rights.ts';
import type { Entries, Folder, MailServer } from '../reconcile/driver-interfaces.ts';
import { type Failure, failureOf } from '../shared/failure.ts';
import { notHere } from './other-server.ts';

export type Trouble = Pick<Failure, 'code' | 'message' | 'hint'>;

export interface ReadTree {
  readonly folders: readonly Folder[];
  readonly entries: ReadonlyMap<string, Entries>;
  readonly trouble: Trouble | null;
}

export async function readTree(server: MailServer, owner: string): Promise<ReadTree> {
  try {
    const view = await server.asOwner(owner);
    try {
      const folders = await view.folders();
      return { folders, entries: await view.entries(folders.map(({ name }) => name)), trouble: null };
    } finally {
      view.close();
    }
  } catch (error) {
    return { folders: [], entries: new Map(), trouble: troubleOf(error) };
  }
}

/** Of a mailbox that isn't on the server which this command can ask. */
export function elsewhere({ address, server }: { readonly address: string; readonly server: string }): ReadTree {
  const { code, message, hint } = notHere(address, server);
  return { folders: [], entries: new Map(), trouble: { code, message, hint } };
}

const UNSEEN = { reached: undefined, listed: undefined, rights: undefined, trouble: null };

export interface SeenByDelegate {
  /** Undefined where nobody could look. */
  readonly reached: ReadonlySet<string> | undefined;
  readonly listed: ReadonlySet<string> | undefined;
  /** Of folders that LIST doesn't show them, too. */
  readonly rights: ReadonlyMap<string, Rights> | undefined;
  readonly trouble: Trouble | null;
}

export async function seenByDelegate(
  server: MailServer,
  owner: string,
  login: string,
  { folders }: ReadTree,
): Promise<SeenByDelegate> {
  if (folders.length === 0) return UNSEEN;
  try {
    const view = await server.asDelegate(login);
    try {
      const why = await view.unreachable(owner);
      const reached = await view.reach(owner, folders);
      const listed = await view.listed(owner);
      const rights = await view.rights(
        owner,
        folders.map(({ name }) => name),
      );
      return {
        reached: why === undefined ? reached : undefined,
        listed,
        rights,
        trouble: why === undefined || why.yet ? null : { code: 'config', message: why.message, hint: why.hint },
      };
    } finally {
      view.close();
    }
  } catch (error) {
    return { ...UNSEEN, trouble: troubleOf(error) };
  }
}

function troubleOf(error: unknown): Trouble {
  const { code, message, hint } = failureOf(error);
  return { code, message, hint };
}
