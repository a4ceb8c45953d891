/** LIST in as few questions as the server takes: with LIST-EXTENDED (RFC 5258, RFC 9051) one, without it one a pattern, and LSUB. */

import { type Argument, atom, text } from './arguments.ts';
import type { Connection, Untagged } from './connection.ts';
import type { Question } from './foresight.ts';
import { flagsOf, must } from './replies.ts';

export const takesMany = (connection: Connection) => connection.has('LIST-EXTENDED') || connection.has('IMAP4REV2');

/** What LIST shows for any of these patterns. `what`: for a message, as in `list the folders of X`. `beside`: what else it is to tell of each (RFC 5258). */
export async function listed(
  connection: Connection,
  patterns: readonly string[],
  what: string,
  beside: readonly string[] = [],
): Promise<readonly Untagged[]> {
  const groups: readonly Argument[] = takesMany(connection) ? [patterns.map(text)] : patterns.map(text);
  const also: readonly Argument[] = beside.length === 0 ? [] : [atom('RETURN'), beside.map(atom)];
  const replies = await Promise.all(
    groups.map((group) => connection.run('LIST', [text(''), group, ...also], 'LIST', ...beside)),
  );
  return replies.flatMap((reply) => must(reply, what));
}

/** Names that one is subscribed to, whether or not they lead anywhere. IMAP4rev2 has no LSUB any more (RFC 9051 appendix E). */
export async function subscriptions(connection: Connection, pattern: string, what: string): Promise<readonly string[]> {
  const old = await connection.run('LSUB', [text(''), text(pattern)], 'LSUB');
  const reply =
    old.ok || !takesMany(connection)
      ? old
      : await connection.run('LIST', [[atom('SUBSCRIBED')], text(''), text(pattern)], 'LIST');
  return must(reply, what).map(({ values }) => String(values[2]));
}

/** One's own tree: LIST responses with special uses and `\Subscribed`, and STATUS responses with ids where the server has any. */
export async function everything(
  connection: Connection,
  folderId: string | undefined,
  what: string,
): Promise<readonly Untagged[]> {
  if (!takesMany(connection)) return withSubscriptions(connection, what);
  const { command, args, collect } = allWith(connection, folderId);
  return must(await connection.run(command, args, ...collect), what);
}

/** Where the server takes many. */
export function allWith(connection: Connection, folderId: string | undefined): Question {
  // STATUS opens each folder, so that special-use folders declared `auto` exist after this (server facts, trap 7).
  const ids = folderId === undefined ? [] : [atom('STATUS'), [atom(folderId)]];
  const special = connection.has('SPECIAL-USE') ? [atom('SPECIAL-USE')] : [];
  const selection = [text(''), text('*'), atom('RETURN'), [...special, atom('SUBSCRIBED'), ...ids]];
  return { command: 'LIST', args: selection, collect: ['LIST', 'STATUS'] };
}

async function withSubscriptions(connection: Connection, what: string): Promise<readonly Untagged[]> {
  const [all, some] = await Promise.all(
    ['LIST', 'LSUB'].map(async (command) => must(await connection.run(command, [text(''), text('*')], command), what)),
  );
  const subscribed = new Set(
    (some ?? []).filter((one) => !flagsOf(one).has('\\noselect')).map(({ values }) => String(values[2])),
  );
  return (all ?? []).map((response) => {
    const [flags, ...rest] = response.values;
    if (!subscribed.has(String(rest[1]))) return response;
    return { ...response, values: [[...(Array.isArray(flags) ? flags : []), '\\Subscribed'], ...rest] };
  });
}
