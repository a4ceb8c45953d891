/** Whether a name stands twice in one object of a JSON text: JSON.parse takes the last, other readers the first. */

/** `text` is JSON. A string, whole; or what opens, parts and closes. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs;

export function repeatedName(text: string): boolean {
  /** Of each object that is open its names; of each list undefined. */
  const open: (Set<string> | undefined)[] = [];
  let name: string | undefined;
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token.startsWith('"')) name = token;
    else if (token === ':') {
      const names = open.at(-1);
      const read = JSON.parse(name ?? '""') as string; // "\u0061" is "a"
      if (names?.has(read)) return true;
      names?.add(read);
    }
  }
  return false;
}
