/** An administrator who looks and changes nothing: all that administrators see, by connections that can't write, whatever a page or an operation does. */
import type { Acting } from '../acting/site.ts';
import { Failure } from '../shared/failure.ts';

export function reading(acting: Acting): Acting {
  const refuse = async () => Promise.reject(refusal());
  return {
    ...acting,
    writing: refuse,
    table: (work, options) =>
      looking(() => acting.table((db) => work({ ...db, write: refuse }), { ...options, readonly: true })),
    state: (work, options) =>
      looking(() => acting.state((db) => work({ ...db, write: refuse }), { ...options, readonly: true })),
    trail: acting.table,
  };
}

const refusal = () =>
  new Failure('refused', 'this administrator may look and change nothing', '', {
    rule: 'MANDAT_ACTOR',
    fault: 'reads',
  });

/** What the store itself refuses to write is refused in our words. */
async function looking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isReadOnly(error) ? refusal() : error;
  }
}

/** SQLITE_READONLY; PostgreSQL's read_only_sql_transaction. */
function isReadOnly(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: string };
  if (code === '25006' || (code?.startsWith('SQLITE_READONLY') ?? false)) return true;
  return isReadOnly(error.cause);
}
