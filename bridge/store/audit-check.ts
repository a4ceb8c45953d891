/**
 * Proving the audit trail: every seal from the first entry, or from the last checkpoint, to the end; the checkpoints' own; and that the
 * end is where it was. Without the key nobody can make one that passes; with it, a head that was written down elsewhere tells.
 */
import { type AuditHead, auditHead, headMark, seal } from './audit.ts';
import { checkpointSeal } from './audit-prune.ts';
import { fact } from './facts.ts';
import type { StateDb } from './state-db.ts';

export type AuditProof =
  | {
      readonly intact: true;
      readonly entries: number;
      readonly pruned: number;
      readonly head: AuditHead | undefined;
      /** Of a head that was asked about: whether it is there, or was pruned since so that nobody can tell; undefined where none was. */
      readonly known: 'there' | 'pruned' | undefined;
    }
  /** `at`: the first entry whose seal doesn't hold: it, or one before it, was altered or taken out. */
  | { readonly intact: false; readonly at: number; readonly why: 'entry' | 'checkpoint' | 'end' | 'head' };

/** `known`: a head that was noted before, as the sidecar's log tells it. */
export async function proveAudit(state: StateDb, key: Buffer, known?: AuditHead): Promise<AuditProof> {
  let previous = '';
  let last = 0;
  let pruned = 0;
  let found: 'there' | 'pruned' | undefined;
  const meet = (id: number, sealed: string) => {
    if (known?.id === id && known.seal === sealed) found = 'there';
  };
  let before = '';
  for (const point of await state.query.selectFrom('audit_checkpoints').selectAll().orderBy('last_id').execute()) {
    if (checkpointSeal(key, before, point) !== point.seal) {
      return { intact: false, at: point.last_id, why: 'checkpoint' };
    }
    before = point.seal;
    [previous, last] = [point.last_seal, point.last_id];
    pruned += point.entries;
    meet(last, previous);
    if (known !== undefined && known.id < last) found = 'pruned';
  }
  let entries = 0;
  for await (const { id, seal: sealed, ...entry } of state.query
    .selectFrom('audit')
    .selectAll()
    .orderBy('id')
    .stream()) {
    if (id <= last || seal(key, previous, entry) !== sealed) return { intact: false, at: id, why: 'entry' };
    [previous, last] = [sealed, id];
    meet(id, sealed);
    entries++;
  }
  const expected = last === 0 ? undefined : headMark(key, previous);
  if ((await fact(state, 'audit-head')) !== expected) return { intact: false, at: last + 1, why: 'end' };
  if (known !== undefined && found === undefined) return { intact: false, at: known.id, why: 'head' };
  return { intact: true, entries, pruned, head: await auditHead(state), known: found };
}
