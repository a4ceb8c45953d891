/** Blocks of the documents, word for word: what a page says to paste is what its tests run on. */
import { readFileSync } from 'node:fs';

/**
 * A code block whose first line (below a `#!`) names the file that it goes into (`# data/conf/postfix/extra.cf`), as the page has it.
 * @param moved what stands elsewhere, or not at all, in the lab: each must be there
 */
export function docBlock(page: string, file: string, moved: Readonly<Record<string, string>> = {}): string {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, inside = '']) => inside);
  let found = blocks.find((block) => block.replace(/^#!.*\n/, '').startsWith(`# ${file}\n`));
  if (found === undefined) throw new Error(`docs/${page} has no block for ${file}`);
  for (const [from, to] of Object.entries(moved)) {
    if (!found.includes(from)) throw new Error(`docs/${page}, ${file}: "${from}" is not there`);
    found = found.replaceAll(from, to);
  }
  return found;
}
