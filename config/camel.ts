/**
 * From the file's names to the program's: `admin_user` in TOML, `adminUser` in TypeScript.
 * One mapped type and one function, so that a key added to the schema needs no second declaration.
 */

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/** T with camelCase keys, readonly at every depth. Optional keys stay optional. */
export type Camelized<T> = T extends readonly (infer Item)[]
  ? readonly Camelized<Item>[]
  : T extends object
    ? { readonly [K in keyof T as K extends string ? CamelCase<K> : never]: Camelized<T[K]> }
    : T;

export const camelCase = (key: string): string =>
  key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** A copy with camelCase keys, frozen at every depth. `value` is what TOML can hold without dates: tables, lists and scalars. */
export function camelize<T>(value: T): Camelized<T> {
  if (typeof value !== 'object' || value === null) return value as Camelized<T>;
  if (Array.isArray(value)) return Object.freeze(value.map(camelize)) as Camelized<T>;
  const entries = Object.entries(value).map(([key, inner]) => [camelCase(key), camelize(inner)]);
  return Object.freeze(Object.fromEntries(entries)) as Camelized<T>;
}
