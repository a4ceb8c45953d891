/** A server's answers, read. */
import { canonical, type Rights } from '../../acl/rights.ts';
import { Failure } from '../failure.ts';
import { type Entries, type Folder, INBOX } from '../reconcile/mail-server.ts';
import type { Reply, Untagged } from './connection.ts';
import type { Dialect } from './dialect.ts';
import { isForeign, type Namespaces } from './namespaces.ts';

/** A command that the server refused. */
export type Refusal = Reply & { readonly ok: false };

const SPECIAL_USE = new Set([
  '\\all',
  '\\archive',
  '\\drafts',
  '\\flagged',
  '\\important',
  '\\junk',
  '\\sent',
  '\\trash',
]);

export function flagsOf({ values }: Untagged): ReadonlySet<string> {
  const flags = values[0];
  return new Set(Array.isArray(flags) ? flags.map((flag) => String(flag).toLowerCase()) : []);
}

/** One's own selectable folders. */
export function foldersOf(responses: readonly Untagged[], namespaces: Pick<Namespaces, 'foreign'>): readonly Folder[] {
  const ids = new Map(
    responses
      .filter(({ kind }) => kind === 'STATUS')
      .map(({ values }) => [String(values[0]), Array.isArray(values[1]) ? String(values[1][1]) : undefined]),
  );
  return responses
    .filter(({ kind }) => kind === 'LIST')
    .map((response) => ({ name: String(response.values[2]), flags: flagsOf(response) }))
    .filter(({ flags }) => !flags.has('\\noselect') && !flags.has('\\nonexistent'))
    .filter(({ name }) => !isForeign(name, namespaces))
    .map(({ name, flags }) => ({
      name: name.toUpperCase() === INBOX ? INBOX : name,
      id: ids.get(name) ?? name,
      specialUse: [...flags].some((flag) => SPECIAL_USE.has(flag)),
      subscribed: flags.has('\\subscribed'),
    }));
}

/** `* ACL folder id rights id rights ...`; undefined when the folder isn't there. */
export function entriesOf(reply: Reply, { isGone }: Dialect): Entries | undefined {
  if (!reply.ok) {
    if (isGone(reply)) return undefined;
    throw refused(reply, 'read an ACL');
  }
  const values = reply.untagged[0]?.values.slice(1) ?? [];
  const entries = new Map<string, Rights>();
  for (let at = 0; at + 1 < values.length; at += 2) entries.set(String(values[at]), canonical(String(values[at + 1])));
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
