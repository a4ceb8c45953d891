/**
 * The delegation table, and all that is mandat's own, brought from one kind of store to the other. While others write: a first copy, then as often as it
 * is worth it what was committed meanwhile. Then nobody writes for a moment: the rest is brought over, all of it is counted and held against the source,
 * the source is closed for good, and only then does the destination get its name. Killed at any point, one of them is in use or none is, never both; the
 * same again goes on.
 */
import { performance } from 'node:perf_hooks';
import { Failure } from '../shared/failure.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { readHead } from '../store/trail/seal-head.ts';
import { proveAudit, proveEnd } from '../store/trail/trail-proof.ts';
import { bringOver, type Known, tableDigest } from './bring-over.ts';
import type { From, To } from './ends.ts';
import { type Paired, paired, type Room, type Source } from './tables.ts';

export interface Moved {
  readonly from: string;
  readonly to: string;
  /** By table. */
  readonly tables: Readonly<Record<string, { readonly rows: number; readonly digest: string }>>;
  /** Entries of the audit trail whose seals hold at the destination. */
  readonly proven: number;
  /** For how long nobody could write, in milliseconds. */
  readonly heldMs: number;
  /** Tables that somebody else has put beside ours: they are where they were. */
  readonly others: readonly string[];
  /** Where what was at the destination's place lies now; undefined where nothing was. */
  readonly aside: string | undefined;
}

export interface Progress {
  /** `copy`: for the first time; `again`: what was committed meanwhile; `last`: nobody writes now. */
  readonly phase: 'copy' | 'again' | 'last';
  readonly rows: number;
}

export interface Moving {
  readonly from: From;
  readonly to: To;
  readonly key: Buffer;
  /** Beside the key. */
  readonly headFile: string;
  /** Before the source is closed: how many rows are there. False: it stays in use, and the copy unfinished. */
  readonly agreed: (rows: number) => Promise<boolean>;
  readonly told: (progress: Progress) => void;
}

/** So few rows make no further round worth it; and so many rounds are made at most before nobody writes. */
const FEW_ROWS = 5000;
const ROUNDS = 6;

/** Undefined where it wasn't agreed to. Fails, and leaves the source in use, where anything isn't the same. */
export async function move({ from, to, key, headFile, agreed, told }: Moving): Promise<Moved | undefined> {
  const has = (room: Room) => from.tables.some(({ name }) => name.startsWith(`${room}.`));
  const rooms = (['table', 'state', 'submissions'] as const).filter(has); // the filter's is made when it first runs
  const wanted = to.destination.tables.filter(({ name }) => rooms.some((room) => name.startsWith(`${room}.`)));
  const { pairs, others } = paired(from.tables, wanted);
  const known = new Map<string, readonly Known[]>();
  const rows = new Map<string, number>();

  const round = async (phase: Progress['phase'], source: Source, moved: ReadonlySet<Room>): Promise<number> => {
    let written = 0;
    for (const pair of pairs) {
      const { name } = pair.from;
      if (known.has(name) && !moved.has(roomOf(pair))) continue;
      const tell = (some: number) => told({ phase, rows: some });
      const done = await bringOver(pair, source, to.destination, known.get(name), tell);
      known.set(name, done.known);
      rows.set(name, done.rows);
      written += done.written;
    }
    return written;
  };
  const total = () => [...rows.values()].reduce((sum, one) => sum + one, 0);
  const catchUp = async () => {
    for (let again = 0; again < ROUNDS; again++) {
      const written = await from.snapshot((source, moved) => round('again', source, moved));
      if (written <= FEW_ROWS) return;
    }
  };

  const before = readHead(headFile, key);
  await from.snapshot((source, moved) => round('copy', source, moved));
  await catchUp();
  const state = { query: to.query } as StateDb;
  const proof = await proveAudit(state, key, undefined, before);
  if (!proof.intact) throw unproven(proof.at);
  if (!from.closed) {
    if (!(await agreed(total()))) return undefined;
    await catchUp();
  }
  await to.prepare();
  const began = performance.now();
  await from.close(async (source, moved) => {
    await round('last', source, moved);
    await sameCounts(pairs, source, to);
    const end = await proveEnd(state, key, readHead(headFile, key));
    if (!end.intact) throw unproven(end.at);
    await to.destination.setNumbers(await source.numbers());
    await to.settle();
  });
  const heldMs = performance.now() - began;
  const aside = await to.install();
  return {
    from: from.shown,
    to: to.shown,
    tables: Object.fromEntries(
      pairs.map(({ from: { name } }) => [
        name,
        { rows: rows.get(name) ?? 0, digest: tableDigest(known.get(name) ?? []) },
      ]),
    ),
    proven: proof.entries,
    heldMs: Math.round(heldMs),
    others,
    aside,
  };
}

const roomOf = ({ from: { name } }: Paired) => name.split('.')[0] as Room;

/** Counted by the databases themselves. */
async function sameCounts(pairs: readonly Paired[], source: Source, { destination }: To): Promise<void> {
  for (const { from, to } of pairs) {
    const [here, there] = [await source.count(from), await destination.count(to)];
    if (here === there) continue;
    throw new Failure(
      'internal',
      `${from.name} has ${here} rows, and ${there} at the destination`,
      'the source is in use as before: look whether something else writes to the destination, then do it again',
    );
  }
}

function unproven(at: number): Failure {
  return new Failure(
    'refused',
    `the audit trail is not proven from entry ${at} on, and is the same at both ends: it is not moved as if nothing were`,
    'the source is in use as before. "mandat audit verify" says what is wrong; "mandat init --new-seal-key" prunes what can\'t be proven, and says so in the trail',
    { rule: 'MANDAT_TRAIL_UNPROVEN' },
  );
}
