/** Which Dovecot it is: by its own doveconf, by what it says of itself over IMAP, or by what it offers. */
import { atom } from '../imap/arguments.ts';
import type { Connection } from '../imap/connection.ts';
import type { Doveconf, Reading } from './doveconf.ts';
import type { Syntax } from './dovecot-syntax.ts';
import { syntaxOf } from './dovecot-versions.ts';

export interface Recognised {
  /** `2.4.1-4`, or `2.4` where only that much is known. */
  readonly version: string;
  readonly syntax: Syntax;
  /** What shows it, for people. */
  readonly how: string;
}

/** Undefined where it isn't Dovecot, or nothing tells. */
export async function recognised(
  doveconf: () => Promise<Reading<Doveconf>>,
  session: () => Promise<Connection | undefined>,
): Promise<Recognised | undefined> {
  const reading = await doveconf().catch(() => undefined);
  if (reading?.found !== undefined) {
    const { version, syntax, source } = reading.found;
    return { version, syntax, how: source };
  }
  const connection = await session().catch(() => undefined); // the login has a check of its own
  if (connection === undefined) return undefined;
  const said = await idOf(connection).catch(() => new Map<string, string>());
  if (!/^dovecot/i.test(said.get('name') ?? '')) return undefined;
  const version = /^\d+\.\d+\S*/.exec(said.get('version') ?? '')?.[0];
  if (version !== undefined) return { version, syntax: syntaxOf(version), how: 'as it says itself (ID)' };
  // Dovecot keeps its version to itself; of the two, 2.4 alone has this (RFC 8440).
  const newer = connection.has('LIST-MYRIGHTS');
  const nearest = newer ? '2.4' : '2.3';
  return {
    version: nearest,
    syntax: syntaxOf(nearest),
    how: `the server ${newer ? 'offers' : "doesn't offer"} LIST-MYRIGHTS`,
  };
}

/** RFC 2971: names and values in turn. */
async function idOf(connection: Connection): Promise<ReadonlyMap<string, string>> {
  const reply = await connection.run('ID', [atom('NIL')], 'ID');
  const values = reply.ok ? reply.untagged[0]?.values[0] : undefined;
  const list = Array.isArray(values) ? values.map(String) : [];
  return new Map(list.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), list[at + 1] ?? '']] : [])));
}
