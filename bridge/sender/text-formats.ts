/**
 * The sender rules as text, one form for each program that reads a file. Pure.
 *
 *     opensmtpd   login: address, address     a mapping of `listen on ... senders <table>`, which is asked for the login
 *     exim        address: login, login       config/exim/senders.acl
 *     texthash    address login,login         Postfix, one line a key: of two lines with one key it would hear the last
 *
 * What stands in such a file is read as syntax: white space, `:` `,` `#` and line ends separate, OpenSMTPD reads `*` as a pattern and
 * a lone `@` as everybody. None of that can stand in an address or a login of the delegation table; here it is refused once more,
 * because these rules come from a database that others can write to. So nothing is left that would have to be quoted.
 */
import type { SenderRule } from '../../acl/desired.ts';

export type FileFormat = 'opensmtpd' | 'exim' | 'texthash';

export interface Written {
  readonly text: string;
  /** What can't be written, and so lets nobody send. */
  readonly refused: readonly SenderRule[];
}

/** `@domain` too: every address there. */
const ADDRESS = /^[a-z0-9._+-]*@[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?$/;
const LOGIN = /^[a-z0-9._@+-]*[a-z0-9][a-z0-9._@+-]*$/;

const HEADER = '# Made by mandat, anew after every change: what is altered here is lost.\n';

/** `logins`: who keeps the address that is their login, where the program has no rule of its own for that. */
export function written(format: FileFormat, rules: readonly SenderRule[], logins: readonly string[] = []): Written {
  const good = rules.filter(writable);
  const own = logins.map((login) => ({ address: login, login })).filter(writable);
  const lines = {
    opensmtpd: () => joined([...good, ...own], 'login', 'address', (key, values) => `${key}: ${values.join(', ')}`),
    exim: () => joined(good, 'address', 'login', (key, values) => `${key}: ${values.join(', ')}`),
    texthash: () => joined(good, 'address', 'login', (key, values) => `${key} ${values.join(',')}`),
  }[format]();
  return {
    text: HEADER + lines.map((line) => `${line}\n`).join(''),
    refused: rules.filter((rule) => !writable(rule)),
  };
}

const writable = ({ address, login }: SenderRule) => ADDRESS.test(address) && LOGIN.test(login);

/** One line for each key, in order, with all that belongs to it. */
function joined(
  rules: readonly SenderRule[],
  by: keyof SenderRule,
  what: keyof SenderRule,
  line: (key: string, values: readonly string[]) => string,
): readonly string[] {
  const lines = new Map<string, Set<string>>();
  for (const rule of rules) {
    const values = lines.get(rule[by]) ?? new Set();
    lines.set(rule[by], values.add(rule[what]));
  }
  return [...lines]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, values]) => line(key, [...values].sort()));
}

/** The first word of each line, up to white space or a colon: the logins in a table of credentials. What stands behind is not kept. */
export function loginsIn(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => /^\s*([^\s:#]+)/.exec(line)?.[1]?.toLowerCase() ?? []);
}
