/**
 * Answers of the plainest kind, read without the library's parser, which takes ten promises and a tree of tokens over each line: a sweep reads a
 * hundred and twenty of them a mailbox. What holds anything but printable ASCII, atoms, quoted strings, NIL and lists of these, any line with a literal
 * or a response code, and whatever no command of ours waits for, is the library's as before; so is every refusal.
 * With connection.ts and pipeline.ts the only files that know of imapflow; package.json pins the version.
 */

/** One value of an untagged response: text, NIL, or a list. */
export type Value = string | null | readonly Value[];

/** What a line in hand is read for: a command of ours. */
interface Waiting {
  readonly tag: string;
  readonly sent?: boolean;
  readonly options?: { readonly plainly?: Plainly };
}

/** By kind of response; `values` as in {@link Value}. No object: a server may name any of its inherited keys. */
export type Plainly = ReadonlyMap<string, (values: readonly Value[]) => void>;

/** A line of the server's, with what belongs to it. */
interface Line {
  readonly payload: Buffer;
  readonly literals?: readonly unknown[];
}

/** What imapflow has and its types don't declare. */
export interface Reading {
  readonly currentRequest: Waiting | false;
  handleResponse(line: Line): Promise<boolean>;
  takeCurrentRequest(): { resolve(answer: { next(): void }): void } | undefined;
  trySend(): Promise<void>;
}

/** Longer ones are rare, and the library counts what is in them. */
const LONGEST = 10_000;
/** Lists in lists: no answer of ours has more than two. */
const DEEPEST = 10;
const PLAIN = /^[\x20-\x7e]*$/;

export function readPlainly(client: Reading): void {
  const read = client.handleResponse;
  client.handleResponse = (line) => readOne(client, line) ?? read.call(client, line);
}

const ON = Promise.resolve(true);

/** Undefined: it is the library's. */
function readOne(client: Reading, { payload, literals = [] }: Line): Promise<boolean> | undefined {
  const { currentRequest: current } = client;
  const plainly = current !== false && current.sent === true ? current.options?.plainly : undefined;
  if (current === false || plainly === undefined || payload.length > LONGEST || literals.length > 0) return undefined;
  const line = payload.toString('latin1');
  if (!PLAIN.test(line)) return undefined;
  if (line.startsWith('* ')) {
    const end = line.indexOf(' ', 2);
    const hear = end < 0 ? undefined : plainly.get(line.slice(2, end));
    const values = hear && plainValues(line, end + 1);
    if (hear === undefined || values === undefined) return undefined;
    hear(values);
    return ON;
  }
  if (!isPlainOk(line, current.tag)) return undefined;
  client.takeCurrentRequest()?.resolve({ next: () => {} });
  return client.trySend().then(
    () => true,
    () => true, // whoever asked hears of it
  );
}

/** Without a response code. */
function isPlainOk(line: string, tag: string): boolean {
  const at = tag.length + 4;
  return line.startsWith(`${tag} OK `) && line.length > at && line[at] !== ' ' && line[at] !== '[';
}

/** What an atom may hold here: less than RFC 9051 section 9 lets it. */
const ATOM = new Set([..."!#$&'+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~"]);

/** From there on, to the end of the line. Undefined where anything is otherwise than it is here. */
export function plainValues(line: string, from: number): readonly Value[] | undefined {
  let at = from;
  let depth = 0;
  /** Up to what ends it; undefined where that isn't there. */
  const list = (closing: string | undefined): Value[] | undefined => {
    const values: Value[] = [];
    if (line[at] === closing) return values;
    for (;;) {
      const value = one();
      if (value === undefined) return undefined;
      values.push(value);
      if (line[at] === closing) return values;
      if (line[at] !== ' ') return undefined;
      at++;
    }
  };
  const one = (): Value | undefined => {
    if (line[at] === '"') return quoted();
    if (line[at] !== '(') return atom();
    if (++depth > DEEPEST) return undefined;
    at++;
    const values = list(')');
    at++;
    depth--;
    return values;
  };
  const quoted = (): string | undefined => {
    const begun = at + 1;
    for (at = begun; at < line.length; at++) {
      if (line[at] === '\\') return undefined; // seldom
      if (line[at] === '"') return line.slice(begun, at++);
    }
    return undefined;
  };
  const atom = (): string | null | undefined => {
    const begun = at;
    if (line[at] === '\\') at++;
    const name = at;
    while (at < line.length && ATOM.has(line[at] as string)) at++;
    if (at === name) return undefined;
    const said = line.slice(begun, at);
    return said === 'NIL' ? null : /^nil$/i.test(said) ? undefined : said;
  };
  return from < line.length ? list(undefined) : undefined;
}
