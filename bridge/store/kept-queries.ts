/**
 * Queries that are put together once for each database and run with other values each time: a sweep asks the same twenty of each mailbox, and putting
 * one together with Kysely takes several times as long as SQLite takes over it.
 */
import type { CompiledQuery, Kysely } from 'kysely';

/** Stands where a value comes. */
class Place {
  constructor(readonly name: string) {}
}

/**
 * `build` is called with something that stands for each value: it may be compared with and written, and nothing else may be made of it.
 * @returns the rows of the query with these values
 */
export function keptQuery<T, Values extends Readonly<Record<string, string | number | null>>, Row>(
  build: (query: Kysely<T>, values: Values) => { compile(): CompiledQuery<Row> },
): (query: Kysely<T>, values: Values) => Promise<readonly Row[]> {
  const kept = new WeakMap<object, CompiledQuery<Row>>();
  const places = new Proxy({} as Values, { get: (_, name) => new Place(String(name)) });
  return async (query, values) => {
    const { adapter } = query.getExecutor(); // one a database
    const compiled = kept.get(adapter) ?? build(query, places).compile();
    kept.set(adapter, compiled);
    const parameters = compiled.parameters.map((one) => (one instanceof Place ? values[one.name] : one));
    return (await query.executeQuery<Row>({ ...compiled, parameters })).rows;
  };
}
