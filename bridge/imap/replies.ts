/** A server's answers, read. */
import { asAnswered, type Rights } from '../../acl/rights.ts';
import { type ListedFolder, type SiteNames, specialFolders } from '../../acl/special-folders.ts';
import { type Entries, type Folder, INBOX } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import type { FolderName } from '../store/state/ledger-pairs.ts';
import type { Reply, Untagged } from './connection.ts';
import { writtenName } from './folder-name.ts';
import { apartIn, home, isForeign, type Namespaces } from './namespaces.ts';

/** A command that the server refused. */
export type Refusal = Reply & { readonly ok: false };

export function flagsOf({ values }: Untagged): ReadonlySet<string> {
  const flags = values[0];
  return new Set(Array.isArray(flags) ? flags.map((flag) => String(flag).toLowerCase()) : []);
}

export interface Listed extends ListedFolder {
  /** As the server writes it. */
  readonly name: FolderName;
}

/** One's own selectable folders, of what LIST has answered. */
export function ownListed(
  responses: readonly Untagged[],
  namespaces: Pick<Namespaces, 'personal' | 'foreign'>,
): readonly Listed[] {
  const { prefix } = home(namespaces);
  return responses
    .filter(({ kind }) => kind === 'LIST')
    .map((response) => ({
      name: String(response.values[2]),
      delimiter: String(response.values[1] ?? ''),
      flags: flagsOf(response),
    }))
    .filter(({ flags }) => !flags.has('\\noselect') && !flags.has('\\nonexistent'))
    .filter(({ name }) => !isForeign(name, namespaces))
    .map(({ name, ...rest }) => ({
      name: name.toUpperCase() === INBOX ? INBOX : name,
      path: writtenName(name.startsWith(prefix) ? name.slice(prefix.length) : name),
      ...rest,
    }));
}

/** The same, with ids where STATUS told them. */
export function foldersOf(
  responses: readonly Untagged[],
  namespaces: Pick<Namespaces, 'personal' | 'foreign'>,
  siteNames: SiteNames,
): readonly Folder[] {
  const ids = new Map(
    responses
      .filter(({ kind }) => kind === 'STATUS')
      .map(({ values }) => [String(values[0]), Array.isArray(values[1]) ? String(values[1][1]) : undefined]),
  );
  const listed = ownListed(responses, namespaces);
  const special = specialFolders(listed, siteNames);
  return listed.map((folder) => ({
    name: folder.name,
    id: ids.get(folder.name) ?? folder.name,
    specialUse: special.has(folder),
    subscribed: folder.flags.has('\\subscribed'),
    ...apart(folder.name, namespaces),
  }));
}

function apart(name: FolderName, namespaces: Pick<Namespaces, 'personal'>): Pick<Folder, 'apart'> {
  const namespace = apartIn(name, namespaces);
  return namespace === undefined ? {} : { apart: namespace.prefix };
}

/** `* ACL folder id rights id rights ...`; undefined when the folder isn't there. */
export function entriesOf(reply: Reply, { isGone }: { isGone(refusal: Refusal): boolean }): Entries | undefined {
  if (!reply.ok) {
    if (isGone(reply)) return undefined;
    throw refused(reply, 'read an ACL');
  }
  const values = reply.untagged[0]?.values.slice(1) ?? [];
  const entries = new Map<string, Rights>();
  for (let at = 0; at + 1 < values.length; at += 2) entries.set(String(values[at]), asAnswered(String(values[at + 1])));
  return entries;
}

export function must(reply: Reply, what: string): readonly Untagged[] {
  if (!reply.ok) throw refused(reply, what);
  return reply.untagged;
}

export function refused(reply: Refusal, what: string): Failure {
  return new Failure(
    'config',
    `the IMAP server refused to ${what}: ${reply.status} ${reply.code} ${reply.text}`.trim(),
    'the server log says more',
  );
}
