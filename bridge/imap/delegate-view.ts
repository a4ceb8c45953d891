/** A delegate's session: what they see of owners' mailboxes, by the owners' names. */
import { canonical, NONE, type Rights } from '../../acl/rights.ts';
import type { DelegateView } from '../reconcile/mail-server.ts';
import type { FolderName } from '../store/pairs.ts';
import { type Argument, type Connection, text } from './connection.ts';
import type { Dialect } from './dialect.ts';
import type { Namespaces } from './namespaces.ts';
import { flagsOf, must } from './replies.ts';

export function delegateView(
  connection: Connection,
  dialect: Dialect,
  login: string,
  namespaces: Namespaces,
): DelegateView {
  const namesOf = (owner: string) => dialect.names(namespaces, owner, login);
  namesOf(login); // fails here, and not in the middle of a pass, where nobody's folders are shown to others
  const list = async (owner: string, selection: readonly Argument[]) => {
    const { root, delimiter, folderOf } = namesOf(owner);
    const patterns = [text(root), text(`${root}${delimiter}*`)];
    const reply = await connection.run('LIST', [...selection, text(''), patterns], 'LIST');
    const names = must(reply, `list ${owner}'s folders as ${login}`)
      .filter((response) => !flagsOf(response).has('\\noselect') && !flagsOf(response).has('\\nonexistent'))
      .map((response) => folderOf(String(response.values[2])));
    return new Set(names.filter((name): name is FolderName => name !== undefined));
  };
  const myRights = async (owner: string, folder: FolderName): Promise<Rights> => {
    const reply = await connection.run('MYRIGHTS', [text(namesOf(owner).nameOf(folder))], 'MYRIGHTS');
    return reply.ok ? canonical(String(reply.untagged[0]?.values[1] ?? '')) : NONE;
  };
  const accepted = async (command: string, owner: string, folder: FolderName) =>
    (await connection.run(command, [text(namesOf(owner).nameOf(folder))])).ok;
  return {
    login,
    listed: (owner) => list(owner, []),
    rights: async (owner, folders) =>
      new Map(await Promise.all(folders.map(async (folder) => [folder, await myRights(owner, folder)] as const))),
    inherited: async (owner) => (dialect.asksInherited === undefined ? NONE : myRights(owner, dialect.asksInherited)),
    // A subscription to a folder he can't see is listed with \NonExistent, so the flags say nothing here.
    subscribed: async (owner) => {
      const { root, folderOf } = namesOf(owner);
      const reply = await connection.run('LSUB', [text(''), text(`${root}*`)], 'LSUB');
      const names = must(reply, `list the subscriptions of ${login}`).map(({ values }) => folderOf(String(values[2])));
      return new Set(names.filter((name): name is FolderName => name !== undefined));
    },
    subscribe: (owner, folder) => accepted('SUBSCRIBE', owner, folder),
    unsubscribe: (owner, folder) => accepted('UNSUBSCRIBE', owner, folder),
    keepsDeadSubscriptions: dialect.keepsDeadSubscriptions,
    close: connection.close,
  };
}
