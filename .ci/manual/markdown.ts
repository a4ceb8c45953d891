// Markdown as forges read it: text made harmless, tables, and the anchors that headings get.

/** Text of the program's, as prose: nothing of it is markup, or a link. A command in quotes is shown as code. */
export const prose = (text: string): string =>
  text
    .replaceAll('\n', ' ')
    .split(/"(mandat [^"]+)"/)
    .map((part, at) => (at % 2 === 1 ? code(part) : escaped(part)))
    .join('');

const escaped = (text: string): string =>
  text.replace(/[\\`*<>|]/g, '\\$&').replace(/(^|[^A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '$1\\_');

/** As code, in a table or outside. A bar is written so that no table is cut by it. */
export const code = (text: string): string =>
  (text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``).replaceAll('|', '\\|');

/** Cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

/** Of a heading, as GitHub and GitLab make it: lower case, punctuation left out, a hyphen for each space. */
export const anchor = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .trim()
    .replaceAll(' ', '-');

/** Every heading's anchor, in order; one that is there already gets a number. Headings inside code blocks are none. */
export function anchors(page: string): readonly string[] {
  const count = new Map<string, number>();
  return headings(page).map((heading) => {
    const plain = anchor(heading);
    const before = count.get(plain) ?? 0;
    count.set(plain, before + 1);
    return before === 0 ? plain : `${plain}-${before}`;
  });
}

const headings = (page: string): readonly string[] =>
  withoutBlocks(page)
    .split('\n')
    .flatMap((line) => /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1] ?? []);

/** Fenced blocks taken out, line by line, so that numbers of lines stay. */
export function withoutBlocks(page: string): string {
  let fence: string | undefined;
  return page
    .split('\n')
    .map((line) => {
      const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
      if (fence === undefined && mark !== undefined) {
        fence = mark;
        return '';
      }
      if (fence === undefined) return line;
      if (mark?.startsWith(fence)) fence = undefined;
      return '';
    })
    .join('\n');
}

/** Paragraphs, headings and tables of a page, with an empty line between. */
export const page = (parts: readonly string[]): string => `${parts.filter((part) => part !== '').join('\n\n')}\n`;

export const MADE = (from: string): string => `<!-- Made from ${from} by "npm run docs": edit there, not here. -->`;
