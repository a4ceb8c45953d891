/**
 * Where a site shares more than one namespace (`shared/%%u/`, `shared-archives/%%u/`): which of them shows which of an owner's private ones.
 * NAMESPACE doesn't tell. The one that shows their INBOX shows what lies beside it; of another one, a folder that is seen on both sides under one id
 * tells, once for each private namespace as long as the program runs.
 */
import type { Folder } from '../reconcile/driver-interfaces.ts';
import { atom, text } from './arguments.ts';
import type { Dialect, Look } from './dialect.ts';
import type { Namespace, Namespaces, OwnersNames } from './namespaces.ts';
import { apartOf } from './namespaces.ts';
import { idOf } from './owner-facts.ts';
import { must } from './replies.ts';

interface Space {
  readonly namespace: Namespace;
  readonly names: OwnersNames;
}

export async function namesInAll(
  dialect: Dialect,
  namespaces: Namespaces,
  owner: string,
  delegate: string,
  look: Look,
): Promise<OwnersNames> {
  if (namespaces.others.length < 2 || dialect.folderId === undefined)
    return dialect.names(namespaces, owner, delegate, look);
  const [main, ...rest] = await spaces(dialect, namespaces, owner, delegate, look);
  if (main === undefined) return dialect.names(namespaces, owner, delegate, look);
  const apart = apartOf(look.owner?.namespaces ?? namespaces);
  const shown = rest.flatMap(({ namespace, names }) => {
    const own = apart.filter(({ prefix }) => look.learnt.spaces.get(prefix) === namespace.prefix);
    return own.length === 0 ? [verbatim(names)] : own.map((one) => names.of(one));
  });
  const all = [main.names, ...shown];
  const possible = rest.flatMap(({ names }) => apart.map((one) => names.of(one)));
  return {
    ...main.names,
    places: all.filter(({ unlisted }) => unlisted !== true).flatMap(({ places }) => places),
    nameOf: (folder) => firstOf(all, (names) => names.nameOf(folder)),
    folderOf: (name) => firstOf(all, (names) => names.folderOf(name)),
    subscriptions: (folder) => [...new Set([main.names, ...possible].flatMap((names) => names.subscriptions(folder)))],
    unlisted: false,
  };
}

/** Whether anything new was learnt of the private namespaces that these folders lie in. */
export async function learnSpaces(
  dialect: Dialect,
  namespaces: Namespaces,
  owner: string,
  delegate: string,
  look: Look,
  folders: readonly Folder[],
): Promise<boolean> {
  const { folderId } = dialect;
  if (folderId === undefined) return false;
  const before = look.learnt.spaces.size;
  const [, ...rest] = await spaces(dialect, namespaces, owner, delegate, look);
  for (const { namespace, names } of rest) {
    if (names.places.length === 0) continue;
    const patterns = names.places.flatMap(({ root, delimiter }) => [text(root), text(`${root}${delimiter}*`)]);
    const how = [atom('RETURN'), [atom('STATUS'), [atom(folderId)]]];
    const reply = await look.connection.run('LIST', [text(''), patterns, ...how], 'STATUS');
    const ids = new Set(
      must(reply, `list ${owner}'s folders as ${delegate}`).map(({ values: [, items] }) =>
        Array.isArray(items) ? String(items[1]) : undefined,
      ),
    );
    for (const { id, apart } of folders) {
      if (apart !== undefined && ids.has(id)) look.learnt.spaces.set(apart, namespace.prefix);
    }
  }
  return look.learnt.spaces.size > before;
}

/** The one that shows the owner's INBOX first; where none is seen to, the server's first. */
async function spaces(
  dialect: Dialect,
  namespaces: Namespaces,
  owner: string,
  delegate: string,
  look: Look,
): Promise<readonly Space[]> {
  const all: Space[] = [];
  const named = (namespace: Namespace) =>
    dialect.names({ ...namespaces, otherUsers: namespace }, owner, delegate, look);
  for (const namespace of namespaces.others) all.push({ namespace, names: await named(namespace) });
  for (const [at, { namespace, names }] of all.entries()) {
    // What has been learnt in one of them holds for the others.
    if (names.places.length === 0) all[at] = { namespace, names: await named(namespace) };
  }
  const { proof } = look.owner ?? {};
  for (const space of all) {
    const name = proof && space.names.nameOf(proof.folder);
    if (name === undefined || (await idOf(look.connection, name, dialect.folderId)) !== proof?.id) continue;
    return [space, ...all.filter((one) => one !== space)];
  }
  return all;
}

/** What is shown there goes by the delegate's own names, which no folder of the owner's has: seen, and nobody's that is known. */
function verbatim(names: OwnersNames): OwnersNames {
  const within = (name: string) =>
    names.places.some(({ root, delimiter }) => name === root || name.startsWith(root + delimiter)) ? name : undefined;
  return { ...names, nameOf: within, folderOf: within };
}

function firstOf<T>(all: readonly OwnersNames[], ask: (names: OwnersNames) => T | undefined): T | undefined {
  for (const names of all) {
    const answer = ask(names);
    if (answer !== undefined) return answer;
  }
  return undefined;
}
