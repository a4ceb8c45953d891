/** A delegate's session: what they see of owners' mailboxes, by the owners' names. */
import { canonical, NONE, type Rights } from '../../acl/rights.ts';
import type { DelegateView } from '../reconcile/mail-server.ts';
import type { FolderName } from '../store/pairs.ts';
import { type Argument, type Connection, text } from './connection.ts';
import type { Dialect, Learnt } from './dialect.ts';
import type { Namespaces, OwnersNames } from './namespaces.ts';
import type { Owners } from './owners.ts';
import { flagsOf, must } from './replies.ts';

export function delegateView(
  connection: Connection,
  dialect: Dialect,
  login: string,
  namespaces: Namespaces,
  { owners, learnt }: { readonly owners: Owners; readonly learnt: Learnt },
): DelegateView {
  const found = new Map<string, Promise<OwnersNames>>();
  const namesOf = (owner: string): Promise<OwnersNames> => {
    const there = found.get(owner) ?? find(owner);
    found.set(owner, there);
    there.catch(() => found.delete(owner));
    return there;
  };
  const find = async (owner: string) =>
    dialect.names(namespaces, owner, login, { connection, learnt, owner: await owners.of(owner) });
  const list = async (owner: string, selection: readonly Argument[]) => {
    const { places, folderOf, unlisted } = await namesOf(owner);
    if (places.length === 0 || unlisted === true) return new Set<FolderName>();
    const patterns = places.flatMap(({ root, delimiter }) => [text(root), text(`${root}${delimiter}*`)]);
    const reply = await connection.run('LIST', [...selection, text(''), patterns], 'LIST');
    const names = must(reply, `list ${owner}'s folders as ${login}`)
      .filter((response) => !flagsOf(response).has('\\noselect') && !flagsOf(response).has('\\nonexistent'))
      .map((response) => folderOf(String(response.values[2])));
    return new Set(names.filter((name): name is FolderName => name !== undefined));
  };
  const myRights = async (name: string | undefined): Promise<Rights> => {
    if (name === undefined) return NONE;
    const reply = await connection.run('MYRIGHTS', [text(name)], 'MYRIGHTS');
    return reply.ok ? canonical(String(reply.untagged[0]?.values[1] ?? '')) : NONE;
  };
  return {
    login,
    unreachable: async (owner) => (await namesOf(owner)).unreachable,
    called: async (owner, folder) => (await namesOf(owner)).nameOf(folder),
    listed: (owner) => list(owner, []),
    rights: async (owner, folders) => {
      const { nameOf } = await namesOf(owner);
      return new Map(
        await Promise.all(folders.map(async (folder) => [folder, await myRights(nameOf(folder))] as const)),
      );
    },
    inherited: async (owner) => {
      const { asksInherited } = dialect;
      return asksInherited === undefined ? NONE : myRights((await namesOf(owner)).atTop(asksInherited));
    },
    // A subscription to a folder he can't see is listed with \NonExistent, so the flags say nothing here.
    subscribed: async (owner) => {
      const { places, folderOf } = await namesOf(owner);
      const names = new Set<FolderName>();
      for (const { root } of places) {
        const reply = await connection.run('LSUB', [text(''), text(`${root}*`)], 'LSUB');
        for (const { values } of must(reply, `list the subscriptions of ${login}`)) {
          const folder = folderOf(String(values[2]));
          if (folder !== undefined) names.add(folder);
        }
      }
      return names;
    },
    subscribe: async (owner, folder) => {
      const name = (await namesOf(owner)).nameOf(folder);
      return name !== undefined && (await connection.run('SUBSCRIBE', [text(name)])).ok;
    },
    unsubscribe: async (owner, folder) => {
      const names = (await namesOf(owner)).subscriptions(folder);
      const replies = await Promise.all(names.map((name) => connection.run('UNSUBSCRIBE', [text(name)])));
      return replies.some(({ ok }) => ok);
    },
    keepsDeadSubscriptions: dialect.keepsDeadSubscriptions,
    close: connection.close,
  };
}
