/**
 * What was read from a database and holds as long as nothing at all is written there: a sweep asks the same few facts for each mailbox.
 * Where a database can't tell whether anything was written (PostgreSQL), it is read each time.
 */
interface Stamped {
  /** The same as long as nothing was written by anybody. Undefined where that can't be told. */
  readonly stamp?: (() => string) | undefined;
}

/** So many answers of one kind are kept. */
const MOST_KEPT = 100;

/** @returns a reader that keeps what it has read, by database and key; `read` must do nothing but read outside of any transaction */
export function whileUnchanged<Db extends Stamped, Key, T>(
  read: (db: Db, key: Key) => Promise<T>,
): (db: Db, key: Key) => Promise<T> {
  const memories = new WeakMap<Db, { stamp: string; readonly kept: Map<Key, T> }>();
  return async (db, key) => {
    if (db.stamp === undefined) return read(db, key);
    // Taken before it is read: what is written meanwhile makes it void.
    const stamp = db.stamp();
    const before = memories.get(db);
    const memory = before ?? { stamp, kept: new Map<Key, T>() };
    if (before === undefined) memories.set(db, memory);
    if (memory.stamp !== stamp) {
      memory.kept.clear();
      memory.stamp = stamp;
    }
    if (memory.kept.has(key)) return memory.kept.get(key) as T;
    const value = await read(db, key);
    if (memory.stamp !== stamp) return value;
    if (memory.kept.size >= MOST_KEPT) memory.kept.clear();
    memory.kept.set(key, value);
    return value;
  };
}
