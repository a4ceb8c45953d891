/**
 * Folders in other people's mailboxes in which somebody has an owner's rights: where RENAME takes a folder out of a mailbox, its entries go
 * with it, and so does its owner's right to administer it.
 */
import { asAnswered } from '../../acl/rights.ts';
import { atom, text } from './arguments.ts';
import type { Connection } from './connection.ts';
import { listed } from './listing.ts';
import { isForeign, type Namespace } from './namespaces.ts';
import { must } from './replies.ts';

/** So many folders are looked at one by one, where the server has no LIST-MYRIGHTS. */
const MOST_ASKED = 1000;

export async function carriedOff(connection: Connection, login: string): Promise<readonly string[]> {
  const namespaces = await connection.namespaces();
  const found = await Promise.all(namespaces.foreign.map((space) => administeredIn(space, connection, login)));
  return [...new Set(found.flat())].filter((name) => isForeign(name, namespaces)); // a prefix may be empty
}

/** An INBOX stays where it is: what lies below is looked at. */
async function administeredIn(space: Namespace, connection: Connection, login: string): Promise<readonly string[]> {
  const { prefix, delimiter } = space;
  if (delimiter === '') return [];
  const rights = await rightsBelow(`${prefix}*`, connection, `list what others share with ${login}`);
  return [...rights]
    .filter(([name, letters]) => letters.includes('a') && name.slice(prefix.length).includes(delimiter))
    .map(([name]) => name);
}

/** In one question (LIST-MYRIGHTS, RFC 8440), or one a folder. */
async function rightsBelow(
  pattern: string,
  connection: Connection,
  what: string,
): Promise<ReadonlyMap<string, string>> {
  if (connection.has('LIST-MYRIGHTS')) {
    const reply = await connection.run(
      'LIST',
      [text(''), text(pattern), atom('RETURN'), [atom('MYRIGHTS')]],
      'MYRIGHTS',
    );
    return new Map(must(reply, what).map(({ values }) => [String(values[0]), asAnswered(String(values[1]))]));
  }
  const names = (await listed(connection, [pattern], what)).map(({ values }) => String(values[2])).slice(0, MOST_ASKED);
  const answers = names.map(async (name) => {
    const reply = await connection.run('MYRIGHTS', [text(name)], 'MYRIGHTS');
    return [name, reply.ok ? asAnswered(String(reply.untagged[0]?.values[1] ?? '')) : ''] as const;
  });
  return new Map(await Promise.all(answers));
}
