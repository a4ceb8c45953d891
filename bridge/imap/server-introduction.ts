/** How a server introduces itself: its greeting, what it says it can do, and what it answers to ID (RFC 2971). */

import { atom } from './arguments.ts';
import type { Connection } from './connection.ts';

export interface Introduction {
  /** What follows `* OK`; empty where it isn't known. */
  readonly greeting: string;
  /** In upper case. */
  readonly capabilities: ReadonlySet<string>;
  /** What it calls itself, and its version, in its answer to ID; empty where it doesn't say. */
  readonly name: string;
  readonly version: string;
}

export async function introduction(connection: Connection): Promise<Introduction> {
  const id = connection.has('ID') ? await connection.run('ID', [atom('NIL')], 'ID') : undefined;
  const said = id?.ok === true ? id.untagged[0]?.values[0] : undefined;
  const words = Array.isArray(said) ? said.map((word) => String(word ?? '')) : [];
  const field = (name: string) => {
    const at = words.findIndex((word, index) => index % 2 === 0 && word.toLowerCase() === name);
    return at < 0 ? '' : (words[at + 1] ?? '').slice(0, LONGEST);
  };
  return {
    greeting: connection.greeting.slice(0, LONGEST),
    capabilities: new Set(connection.capabilities),
    name: field('name'),
    version: field('version'),
  };
}

/** It stands in logs and on screens. */
const LONGEST = 200;
