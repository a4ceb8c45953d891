/** What a command prints: aligned text for people, or one JSON document on standard output with --json. */
import { styleText } from 'node:util';
import Table from 'cli-table3';

export interface Output {
  readonly json: boolean;
  /** The command's result: the JSON document, or the text. Once per command: what would be a second document is dropped. */
  result(document: unknown, text: string): void;
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
  const stdout = (line: string) => process.stdout.write(`${line}\n`);
  let said = false;
  return {
    json,
    result: (document, text) => {
      if (json && said) return;
      said = true;
      if (json || text !== '') stdout(json ? JSON.stringify(document, null, 2) : text);
    },
    say: (line) => void (json || stdout(line)),
    warn: (line) => void process.stderr.write(`${line}\n`),
    colour: json || !process.stdout.isTTY || process.env.NO_COLOR ? PLAIN : COLOURED,
  };
}

const PLAIN: Colour = { good: (text) => text, bad: (text) => text, dim: (text) => text };
const COLOURED: Colour = {
  good: (text) => styleText('green', text),
  bad: (text) => styleText('red', text),
  dim: (text) => styleText('dim', text),
};

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

function cell(value: string | number | null): string {
  return value === null || value === '' ? '-' : oneLine(String(value));
}

/** Other programs write names and notes: nothing in them may move the cursor, break a line, turn the text around or hide in it. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\u200b\u2060-\u2064\ufeff]/gu, '\ufffd');
}

/** `1 mailbox`, `2 mailboxes`. */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}
