import { readFile } from 'node:fs/promises';

/**
 * Reads a configuration fragment of the product, as an administrator would install it, with the given paths moved below
 * the lab. A path that the fragment no longer has is an error: the lab would then test something else than it believes.
 */
export async function readFragment(name: string, moved: Readonly<Record<string, string>> = {}): Promise<string> {
  let text = await readFile(new URL(`../${name}`, import.meta.url), 'utf8');
  for (const [from, to] of Object.entries(moved)) {
    if (!text.includes(from))
      throw new Error(`config/${name} does not mention ${from}: the lab's substitution is stale`);
    text = text.replaceAll(from, to);
  }
  return text;
}
