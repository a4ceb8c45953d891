/** A delegate's session: what they see of owners' mailboxes, by the owners' names. */
import { asAnswered, NONE, type Rights } from '../../acl/rights.ts';
import type { DelegateView } from '../reconcile/driver-interfaces.ts';
import type { FolderName } from '../store/state/ledger-pairs.ts';
import { text } from './arguments.ts';
import type { Connection } from './connection.ts';
import type { Dialect, Learnt } from './dialect.ts';
import { listed, subscriptions, takesMany } from './listing.ts';
import type { Namespaces, OwnersNames } from './namespaces.ts';
import type { Owners } from './owner-facts.ts';
import { learnSpaces, namesInAll } from './owner-spaces.ts';
import { flagsOf } from './replies.ts';

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
    namesInAll(dialect, namespaces, owner, login, {
      connection,
      learnt,
      owner: await owners.of(owner),
      ownerOf: owners.of,
    });
  const severalSpaces = namespaces.others.length > 1 && dialect.folderId !== undefined;
  const asksAtOnce = connection.has('LIST-MYRIGHTS') && takesMany(connection);
  /** What a LIST has told beside an owner's folders, by the names that it has: for the question that follows it. RFC 8440. */
  const told = new Map<string, ReadonlyMap<string, Rights>>();
  /** On their way. */
  const lists = new Map<string, Promise<ReadonlySet<FolderName>>>();
  const list = (owner: string) => {
    const one = listOnce(owner).finally(() => lists.delete(owner));
    lists.set(owner, one);
    return one;
  };
  const listOnce = async (owner: string) => {
    const { places, folderOf, unlisted } = await namesOf(owner);
    if (places.length === 0 || unlisted === true) return new Set<FolderName>();
    const patterns = places.flatMap(({ root, delimiter }) => [root, `${root}${delimiter}*`]);
    const what = `list ${owner}'s folders as ${login}`;
    const answers = await listed(connection, patterns, what, asksAtOnce ? ['MYRIGHTS'] : []);
    const names = answers
      .filter(({ kind }) => kind === 'LIST')
      .filter((response) => !flagsOf(response).has('\\noselect') && !flagsOf(response).has('\\nonexistent'))
      .map((response) => folderOf(String(response.values[2])));
    const folders = new Set(names.filter((name): name is FolderName => name !== undefined));
    const rights = answers
      .filter(({ kind }) => kind === 'MYRIGHTS')
      .map(({ values: [name, letters] }) => [String(name), asAnswered(String(letters ?? ''))] as const);
    told.set(owner, new Map(rights));
    return folders;
  };
  const myRights = async (name: string | undefined): Promise<Rights> => {
    if (name === undefined) return NONE;
    const reply = await connection.run('MYRIGHTS', [text(name)], 'MYRIGHTS');
    return reply.ok ? asAnswered(String(reply.untagged[0]?.values[1] ?? '')) : NONE;
  };
  /** What the last LIST didn't tell, of folders that it hides or that have gone, is asked for one by one. */
  const rights = async (owner: string, folders: readonly FolderName[]) => {
    if (asksAtOnce && !told.has(owner) && folders.length > 1) await (lists.get(owner) ?? list(owner));
    const known = told.get(owner);
    told.delete(owner); // another question is another look
    const { nameOf } = await namesOf(owner);
    const one = async (folder: FolderName) => {
      const name = nameOf(folder);
      return (name === undefined ? undefined : known?.get(name)) ?? myRights(name);
    };
    return new Map(await Promise.all(folders.map(async (folder) => [folder, await one(folder)] as const)));
  };
  return {
    login,
    together: connection.pipelines,
    unreachable: async (owner) => (await namesOf(owner)).unreachable,
    reach: async (owner, folders) => {
      let { nameOf } = await namesOf(owner);
      const beyond = folders.filter((folder) => folder.apart !== undefined && nameOf(folder.name) === undefined);
      if (severalSpaces && beyond.length > 0) {
        const look = { connection, learnt, owner: await owners.of(owner), ownerOf: owners.of };
        if (await learnSpaces(dialect, namespaces, owner, login, look, beyond)) {
          found.delete(owner);
          nameOf = (await namesOf(owner)).nameOf;
        }
      }
      return new Set(folders.map(({ name }) => name).filter((name) => nameOf(name) !== undefined));
    },
    untried: async (_owner, folders) => {
      if (!severalSpaces) return [];
      const unknown = folders.filter(({ apart }) => apart !== undefined && !learnt.spaces.has(apart));
      return unknown.filter(({ apart }, index) => unknown.findIndex((one) => one.apart === apart) === index);
    },
    called: async (owner, folder) => (await namesOf(owner)).nameOf(folder),
    listed: list,
    rights,
    inherited: async (owner) => {
      const { asksInherited } = dialect;
      return asksInherited === undefined ? NONE : myRights((await namesOf(owner)).atTop(asksInherited));
    },
    // A subscription to a folder they can't see is listed with \NonExistent, so the flags say nothing here.
    subscribed: async (owner) => {
      const { places, folderOf } = await namesOf(owner);
      const names = new Set<FolderName>();
      for (const { root } of places) {
        for (const name of await subscriptions(connection, `${root}*`, `list the subscriptions of ${login}`)) {
          const folder = folderOf(name);
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
