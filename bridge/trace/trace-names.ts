/** The names in a month's file, each of which stands there once: `names` of migrations/trace-1.ts. */
import type Database from 'better-sqlite3';

export const KIND = { word: 1, person: 2, mailbox: 3, folder: 4, session: 5, address: 6, identifier: 7 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

export interface Name {
  readonly text: string;
  readonly a: number | null;
  readonly b: number | null;
}

/** So many are kept in memory; then it begins anew. */
const MOST_KNOWN = 50_000;

export interface NameWriter {
  idOf(kind: Kind, text: string, a?: number | null, b?: number | null): number;
  /** What was written since the last commit isn't there. */
  rolledBack(): void;
  committed(): void;
}

/** Sessions are looked for in memory only: one that goes on over a restart of ours may stand there twice. */
export function nameWriter(database: Database.Database): NameWriter {
  const known = new Map<string, number>();
  const fresh: string[] = [];
  const find = database
    .prepare('SELECT id FROM names WHERE kind = ? AND kind <> 5 AND text = ? AND a IS ? AND b IS ? LIMIT 1')
    .pluck();
  const insert = database.prepare('INSERT INTO names (kind, text, a, b) VALUES (?, ?, ?, ?)');
  return {
    idOf: (kind, text, a = null, b = null) => {
      const key = `${kind} ${a ?? ''} ${b ?? ''} ${text}`;
      const before = known.get(key);
      if (before !== undefined) return before;
      const found = kind === KIND.session ? undefined : (find.get(kind, text, a, b) as number | undefined);
      const id = found ?? Number(insert.run(kind, text, a, b).lastInsertRowid);
      if (known.size >= MOST_KNOWN) known.clear();
      known.set(key, id);
      if (found === undefined) fresh.push(key);
      return id;
    },
    rolledBack: () => {
      for (const key of fresh.splice(0)) known.delete(key);
    },
    committed: () => void fresh.splice(0),
  };
}

/** Names by their ids, as they are read. */
export function nameReader(database: Database.Database): (id: number) => Name | undefined {
  const known = new Map<number, Name>();
  const find = database.prepare<[number], Name>('SELECT text, a, b FROM names WHERE id = ?');
  return (id) => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const found = find.get(id);
    if (found === undefined) return undefined;
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(id, found);
    return found;
  };
}
