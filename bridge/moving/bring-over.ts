/**
 * Makes a destination the same as a source, table by table, in portions: each portion of the source is held against the same range of keys at the
 * destination, and only what differs is written. So the same work is a first copy, catching up with what was committed meanwhile, going on after a kill,
 * and the proof: what counts as the same has been read back from the destination.
 */
import { createHash } from 'node:crypto';
import { Failure } from '../shared/failure.ts';
import { type Destination, digestOf, keyOf, type Paired, type Range, type Row, type Source } from './tables.ts';

/** So many rows at a time. */
export const PORTION = 2000;

/** What the destination holds, as it was read there: for the next time, while nobody else writes to it. */
export interface Known extends Range {
  readonly digest: string;
}

export interface Compared {
  readonly known: readonly Known[];
  readonly rows: number;
  /** Rows in portions that were written. */
  readonly written: number;
}

/** `known`: of the last time, none for the first. `told`: how many rows have been looked at since it was called last. */
export async function bringOver(
  { from, to }: Paired,
  source: Source,
  destination: Destination,
  known: readonly Known[] = [],
  told: (rows: number) => void = () => {},
): Promise<Compared> {
  const looked: { range: Range; digest: string; differs: boolean; rows: number }[] = [];
  const sourceRows = async (range: Range, most: number) =>
    (await source.read(from, range, most)).map((row) => destination.fit(to, row));
  const empty = known.length === 0 && (await destination.count(to)) === 0;
  const asKnown: readonly (Range & { readonly digest?: string })[] =
    known.length === 0 ? [{ after: undefined, upTo: undefined }] : known;
  for (const one of asKnown) {
    // What has grown is cut anew.
    const most = one.digest === undefined ? PORTION : 2 * PORTION;
    for (let after = one.after; ; ) {
      const rows = await sourceRows({ after, upTo: one.upTo }, most);
      const last = rows.at(-1);
      const full = rows.length === most && from.key.length > 0 && last !== undefined;
      const range: Range = { after, upTo: full ? keyOf(to, last) : one.upTo };
      const digest = digestOf(rows);
      if (empty) {
        await destination.insert(to, rows);
        await proveRange(to, range, digest, destination, rows.length);
        looked.push({ range, digest, differs: false, rows: rows.length });
      } else {
        const same =
          (one.digest === digest && after === one.after && !full) ||
          digest === digestOf(await destination.read(to, range, rows.length + 1));
        looked.push({ range, digest, differs: !same, rows: rows.length });
      }
      told(rows.length);
      if (!full) break;
      after = range.upTo;
    }
  }
  const differing = looked.filter(({ differs }) => differs);
  // First all that goes: what has only changed its place would be in its own way.
  if (differing.length > 0)
    await destination.clear(
      to,
      differing.map(({ range }) => range),
    );
  for (const { range, digest, rows: expected } of differing) {
    const rows = await sourceRows(range, expected + 1);
    await destination.insert(to, rows);
    await proveRange(to, range, digest, destination, expected);
  }
  return {
    known: looked.map(({ range, digest }) => ({ ...range, digest })),
    rows: looked.reduce((sum, { rows }) => sum + rows, 0),
    written: (empty ? looked : differing).reduce((sum, { rows }) => sum + rows, 0),
  };
}

/** What was written is read back. */
async function proveRange(
  table: Paired['to'],
  range: Range,
  digest: string,
  destination: Destination,
  expected: number,
): Promise<void> {
  const there: readonly Row[] = await destination.read(table, range, expected + 1);
  if (digestOf(there) === digest) return;
  throw new Failure(
    'internal',
    `rows of ${table.at} are not there as they were written (${there.length} of ${expected})`,
    'the destination was left unfinished, and the source is in use as before: look whether something else writes there, then do it again',
  );
}

/** Of a whole table: the same on both sides where all of its portions are. */
export function tableDigest(known: readonly Known[]): string {
  const hash = createHash('sha256');
  for (const { digest } of known) hash.update(digest);
  return hash.digest('hex');
}
