/**
 * Proving the audit trail: every seal from the first entry, or from the last checkpoint, to the end; the checkpoints' own; and that the
 * end is where it was. Without the key nobody can make one that passes; with it, a head that was written down elsewhere tells.
 */

import { type GiveWay, giveBack } from '../../shared/portions.ts';
import { fact } from '../state/facts.ts';
import type { StateDb } from '../state/state-db.ts';
import type { KeptHead } from './seal-head.ts';
import type { AuditHead } from './seal-mac.ts';
import { auditHead, goesOnFrom, headMark, seal } from './sealing.ts';
import { checkpointSeal, prunedUpTo } from './trail-pruning.ts';

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
  | { readonly intact: false; readonly at: number; readonly why: Broken };

/** `kept`, `no-kept`, `forged`: by the file beside the key. */
export type Broken = 'entry' | 'checkpoint' | 'end' | 'head' | 'kept' | 'no-kept' | 'forged';

/** So many entries are read at a time: some milliseconds. */
const PAGE = 250;

/** So many entries are looked at where only the end is. */
const END = 1000;

/** The end alone, whatever the trail's length: the last entries' seals, the mark in `facts`, and what is kept beside the key. Returns how many. */
export async function proveEnd(
  { query }: Pick<StateDb, 'query'>,
  key: Buffer,
  kept: KeptHead,
): Promise<{ readonly intact: true; readonly entries: number } | Extract<AuditProof, { intact: false }>> {
  const newest = await query
    .selectFrom('audit')
    .selectAll()
    .where('id', '>', await prunedUpTo({ query }))
    .orderBy('id', 'desc')
    .limit(END + 1)
    .execute();
  const entries = newest.reverse();
  const point = await query
    .selectFrom('audit_checkpoints')
    .selectAll()
    .orderBy('last_id', 'desc')
    .limit(1)
    .executeTakeFirst();
  let before = { id: point?.last_id ?? 0, seal: point?.last_seal ?? '' };
  if (entries.length > END) {
    const { id, seal: sealed } = entries.shift() ?? { id: 0, seal: '' };
    before = { id, seal: sealed };
  }
  for (const { id, seal: sealed, ...entry } of entries) {
    if (id <= before.id || seal(key, before.seal, entry) !== sealed) return { intact: false, at: id, why: 'entry' };
    before = { id, seal: sealed };
  }
  const expected = before.id === 0 ? undefined : headMark(key, before.seal);
  if ((await fact({ query }, 'audit-head')) !== expected) return { intact: false, at: before.id + 1, why: 'end' };
  if (kept.kind !== 'kept') {
    return { intact: false, at: before.id + 1, why: kept.kind === 'none' ? 'no-kept' : 'forged' };
  }
  if (!(await goesOnFrom(kept.head, { query }))) return { intact: false, at: kept.head.id, why: 'kept' };
  return { intact: true, entries: entries.length };
}

/** `known`: a head that was noted before, as the sidecar's log tells it. `kept`: what stands beside the key. */
export async function proveAudit(
  state: StateDb,
  key: Buffer,
  known?: AuditHead,
  kept?: KeptHead,
  giveWay: GiveWay = giveBack,
): Promise<AuditProof> {
  let previous = '';
  let last = 0;
  let pruned = 0;
  let found: 'there' | 'pruned' | undefined;
  const keptHead = kept?.kind === 'kept' && kept.head.id > 0 ? kept.head : undefined;
  let keptFound = keptHead === undefined;
  const meet = (id: number, sealed: string) => {
    if (keptHead?.id === id && keptHead.seal === sealed) keptFound = true;
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
    if (keptHead !== undefined && keptHead.id < last) keptFound = true; // pruned since
  }
  let entries = 0;
  let from = last; // what a checkpoint stands for counts for nothing, and may be on its way out
  for (let asked = 0; ; ) {
    const rest = state.query.selectFrom('audit').selectAll().where('id', '>', from).orderBy('id');
    const page = await rest.limit(PAGE).execute();
    for (const { id, seal: sealed, ...entry } of page) {
      if (id <= last || seal(key, previous, entry) !== sealed) return { intact: false, at: id, why: 'entry' };
      [previous, last, from] = [sealed, id, id];
      meet(id, sealed);
      entries++;
    }
    asked = page.length === 0 ? asked + 1 : 0;
    if (page.length === PAGE) await giveWay();
    else if ((await fact(state, 'audit-head')) === (last === 0 ? undefined : headMark(key, previous))) break;
    // Else something may have been sealed between the two looks: then there is more to read.
    else if (asked > 1) return { intact: false, at: last + 1, why: 'end' };
  }
  if (!keptFound) return { intact: false, at: keptHead?.id ?? 0, why: 'kept' };
  if (kept?.kind === 'none' || kept?.kind === 'forged') {
    return { intact: false, at: last + 1, why: kept.kind === 'none' ? 'no-kept' : 'forged' };
  }
  if (known !== undefined && found === undefined) return { intact: false, at: known.id, why: 'head' };
  return { intact: true, entries, pruned, head: await auditHead(state), known: found };
}

/** For people. `headFile`: beside the key. */
export function describeBroken(proof: Extract<AuditProof, { intact: false }>, headFile: string): string {
  switch (proof.why) {
    case 'entry':
      return `the trail is broken at entry ${proof.at}: it, or one before it, was altered or taken out`;
    case 'checkpoint':
      return `the trail is broken at the checkpoint of entry ${proof.at}: it, or one before it, was altered or taken out`;
    case 'end':
      return `the trail is broken at entry ${proof.at}: it was there once, and has been taken off the end`;
    case 'kept':
      return `the trail is broken: its entry ${proof.at}, which ${headFile} names, is not there any more: it, and maybe all of the trail, was taken out`;
    case 'no-kept':
      return `${headFile} is not there, so nobody can tell whether the end of the trail was taken off: put it back from the backup; after an upgrade "mandat init" makes the first one`;
    case 'forged':
      return `${headFile} was not written with this key: it was altered, or seal.key is another one`;
    case 'head':
      return `the trail is broken: its entry ${proof.at} is not there, or is not the one that --head names`;
  }
}
