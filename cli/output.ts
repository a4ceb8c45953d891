/**
 * What a command prints: aligned text for people, or one JSON document on standard output with --json. Everything that commands say leaves
 * here, and is cleaned here, whoever it came from; tests/cli/way-out.test.ts finds whoever writes past it.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { inspect } from 'node:util';
import Table from 'cli-table3';
import { escapedJson, oneLine, shownText } from '../bridge/shared/harmless-text.ts';

export { oneLine } from '../bridge/shared/harmless-text.ts';

export interface Output {
  readonly json: boolean;
  /** The command's result: the JSON document, or the text. Once per command: what would be a second document is dropped. */
  result(document: unknown, text: string): void;
  /** The result is written piece by piece (long-list.ts): nothing that comes behind it is a document of its own. */
  begin(): void;
  /** Progress and remarks for people; silent with --json. */
  say(line: string): void;
  /** A warning or an error, on standard error. */
  warn(line: string): void;
  readonly colour: Colour;
}

export interface Colour {
  good(text: string): string;
  bad(text: string): string;
  dim(text: string): string;
}

export function openOutput(json: boolean): Output {
  const stdout = (line: string) => process.stdout.write(`${painted(line)}\n`);
  let said = false;
  return {
    json,
    result: (document, text) => {
      if (json && said) return;
      said = true;
      if (json) process.stdout.write(`${jsonOf(document, 2)}\n`);
      else if (text !== '') stdout(text);
    },
    begin: () => {
      said = true;
    },
    say: (line) => void (json || stdout(line)),
    warn: (text) => void process.stderr.write(`${complaint(text)}\n`),
    colour: json || !process.stdout.isTTY || process.env.NO_COLOR ? PLAIN : COLOURED,
  };
}

/** What is said beside commands' results: help, mistakes in what was typed, scripts that we generate. */
export function printed(text: string): void {
  process.stdout.write(shownText(text));
}

/** Its lines after the first are indented: what is quoted in it can't look like a message of its own. */
export function complaint(text: string): string {
  return shownText(text).replace(/\n(?=[^\s])/g, '\n        ');
}

export function complained(text: string): void {
  process.stderr.write(shownText(text));
}

/** JSON in which nothing is left that a terminal obeys or hides; the same document. */
export function jsonOf(document: unknown, indent?: number): string {
  return escapedJson(JSON.stringify(document, null, indent));
}

/** A line of a file that is written as it is read. False where whoever reads it has seen enough (`| head`). */
export function put(line: string): Promise<boolean> {
  return putPiece(`${shownText(line)}\n`);
}

/** The same of a piece of a JSON document (jsonOf). */
export async function putPiece(text: string): Promise<boolean> {
  if (process.stdout.destroyed) return false;
  if (process.stdout.write(text)) return true;
  return once(process.stdout, 'drain').then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      return false;
    },
  );
}

/** Stands for a colour until a text leaves; nobody outside can know it. */
const BRUSH = randomBytes(8).toString('hex');
const STROKES = new RegExp(`(<${BRUSH}:\\d+>)`);

function painted(text: string): string {
  const parts = text.split(STROKES); // every second is one
  return parts.map((part, at) => (at % 2 === 0 ? shownText(part) : `\x1b[${/:(\d+)>/.exec(part)?.[1]}m`)).join('');
}

const stroke = (name: 'green' | 'red' | 'dim') => (text: string) => {
  const [on, off] = inspect.colors[name] ?? [0, 0];
  return `<${BRUSH}:${on}>${text}<${BRUSH}:${off}>`;
};

const PLAIN: Colour = { good: (text) => text, bad: (text) => text, dim: (text) => text };
const COLOURED: Colour = { good: stroke('green'), bad: stroke('red'), dim: stroke('dim') };

const NO_LINES = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid']
    .concat(['mid', 'mid-mid', 'right', 'right-mid'])
    .map((part) => [part, '']),
);

/** Columns aligned by spaces, so that cut and awk work on it too. */
export function table(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const made = new Table({
    head: [...head],
    chars: { ...NO_LINES, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  for (const row of rows) made.push(row.map(cell));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** `name   value` lines. */
export function facts(pairs: readonly (readonly [string, string | number | null])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}`).join('\n');
}

export function cell(value: string | number | null): string {
  return value === null || value === '' ? '-' : oneLine(String(value));
}

/** `1 mailbox`, `2 mailboxes`. */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}
