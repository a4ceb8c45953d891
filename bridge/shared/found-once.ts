/** What several checks need is found out at the first asking, and kept; a promise with whatever it becomes. */
export function once<T>(find: () => T): () => T {
  let found: { readonly value: T } | undefined;
  return () => {
    found ??= { value: find() };
    return found.value;
  };
}
