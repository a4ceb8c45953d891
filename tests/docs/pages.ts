/** The manual's pages as a reader meets them: links, code within a line, blocks of code. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../../.ci/manual/code-sources.ts';
import { anchors, withoutBlocks } from '../../.ci/manual/markdown.ts';

export interface Block {
  /** What stands behind the fence; empty of an indented block. */
  readonly language: string;
  readonly lines: readonly Line[];
}

export interface Line {
  readonly number: number;
  readonly text: string;
}

export interface ManualPage {
  /** From the project's root. */
  readonly file: string;
  readonly text: string;
  /** Of its headings, and those that are written as HTML. */
  readonly anchors: ReadonlySet<string>;
  readonly links: readonly Line[];
  /** Code within a line. */
  readonly codes: readonly Line[];
  readonly blocks: readonly Block[];
}

/** README.md and all below docs/. */
export function manual(): readonly ManualPage[] {
  const below = readdirSync(path.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.posix.join('docs', name));
  return ['README.md', ...below.sort()].map((file) => readPage(file, readFileSync(path.join(ROOT, file), 'utf8')));
}

export function readPage(file: string, text: string): ManualPage {
  const lines = withoutIndented(withoutBlocks(text)).split('\n');
  const each = (pattern: RegExp): readonly Line[] =>
    lines.flatMap((line, at) =>
      [...line.matchAll(pattern)].map(({ groups }) => ({ number: at + 1, text: (groups?.it ?? '').trim() })),
    );
  const named = [...text.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, one = '']) => one);
  const code = /(?<!`)(?<fence>`+)(?!`)(?<it>.+?)(?<!`)\k<fence>(?!`)/g;
  const bare = lines.map((line) => line.replace(code, '')).join('\n');
  return {
    file,
    text,
    anchors: new Set([...anchors(text), ...named]),
    links: bare.split('\n').flatMap((line, at) =>
      [...line.matchAll(/\]\((?<it>[^()\s]+)(?: "[^"]*")?\)/g)].map(({ groups }) => ({
        number: at + 1,
        text: groups?.it ?? '',
      })),
    ),
    codes: each(code).map(({ number, text: said }) => ({ number, text: said.replaceAll('\\|', '|') })),
    blocks: [...fenced(text), ...indented(withoutBlocks(text))],
  };
}

function fenced(text: string): readonly Block[] {
  const blocks: { readonly language: string; readonly fence: string; readonly lines: Line[] }[] = [];
  let open = false;
  for (const [at, line] of text.split('\n').entries()) {
    const [, fence = '', language = ''] = /^ {0,3}(`{3,}|~{3,})\s*(\S*)/.exec(line) ?? [];
    const last = blocks.at(-1);
    if (open && last !== undefined) {
      if (fence.startsWith(last.fence) && language === '') open = false;
      else last.lines.push({ number: at + 1, text: line });
    } else if (fence !== '') {
      blocks.push({ language, fence, lines: [] });
      open = true;
    }
  }
  return blocks;
}

/** Four spaces, after an empty line and outside of a list. */
function isIndented(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? '';
  if (!/^ {4}\s*\S/.test(line)) return false;
  for (let before = at - 1; before >= 0; before--) {
    const above = lines[before] ?? '';
    if (above.trim() === '') {
      const ground = lines.slice(0, before).findLast((one) => one.trim() !== '' && !/^ {4}/.test(one)) ?? '';
      return !/^\s*(?:[-*+]|\d+\.)\s/.test(ground);
    }
    if (!/^ {4}/.test(above)) return false;
  }
  return true;
}

function indented(text: string): readonly Block[] {
  const lines = text.split('\n');
  const blocks: Line[][] = [];
  for (const at of lines.keys()) {
    if (!isIndented(lines, at)) continue;
    const line = { number: at + 1, text: (lines[at] ?? '').slice(4) };
    const last = blocks.at(-1);
    // An empty line within a block doesn't end it.
    if (last !== undefined && lines.slice(last.at(-1)?.number ?? 0, at).every((one) => one.trim() === ''))
      last.push(line);
    else blocks.push([line]);
  }
  return blocks.map((found) => ({ language: '', lines: found }));
}

function withoutIndented(text: string): string {
  const lines = text.split('\n');
  return lines.map((line, at) => (isIndented(lines, at) ? '' : line)).join('\n');
}
