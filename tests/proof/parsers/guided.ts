/**
 * Inputs made from those that went new ways: V8 says which code of the reading files has run (its own coverage, through the inspector), and
 * what reached more of it is kept and changed further. Jazzer.js would do the same through libFuzzer, and be a dependency more.
 */
import { Session } from 'node:inspector';
import { edited, inOctets } from './inputs.ts';
import type { Parser } from './parser.ts';

type Ranges = readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];

interface Coverage {
  readonly result: readonly { readonly url: string; readonly functions: readonly { readonly ranges: Ranges }[] }[];
}

/** So many inputs between two looks: a look costs as much as some hundred readings. */
const BATCH = 200;

export interface Guided {
  readonly runs: number;
  /** Inputs that went new ways. */
  readonly kept: number;
  /** How much of the code of its files has run, from 0 to 1. */
  readonly part: number;
  readonly failed: string | undefined;
}

/** Numbers from 0 to 1, the same for a seed (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

export async function guided(parser: Parser, runs: number, seed: number): Promise<Guided> {
  const next = numbers(seed);
  const corpus = [...parser.samples];
  const reached = reachedIn(parser.files);
  let made = 0;
  const tried = async (inputs: readonly string[]): Promise<string | undefined> => {
    for (const input of inputs) {
      try {
        await parser.check(input);
      } catch (error) {
        return `${parser.name}, guided, seed ${seed}: ${JSON.stringify(input)}\n${error instanceof Error ? error.stack : error}`;
      }
    }
    return undefined;
  };
  try {
    let failed = await tried(corpus);
    reached.fresh();
    while (failed === undefined && made < runs) {
      const batch = Array.from({ length: Math.min(BATCH, runs - made) }, () => change(parser, corpus, next));
      made += batch.length;
      failed = await tried(batch);
      if (failed !== undefined || !reached.fresh(false)) continue;
      corpus.push(...(await whichWent(batch, tried, reached)));
    }
    return { runs: made, kept: corpus.length - parser.samples.length, part: reached.part(), failed };
  } finally {
    reached.close();
  }
}

/** Of a batch that went somewhere new, those that do. */
async function whichWent(
  batch: readonly string[],
  again: (inputs: readonly string[]) => Promise<unknown>,
  reached: Reached,
): Promise<readonly string[]> {
  const found: string[] = [];
  const size = Math.ceil(batch.length / 10);
  for (let from = 0; from < batch.length; from += size) {
    const part = batch.slice(from, from + size);
    await again(part);
    if (!reached.fresh(false)) continue;
    for (const one of part) {
      await again([one]);
      if (reached.fresh()) found.push(one);
    }
  }
  return found;
}

function change({ pieces, octets = false }: Parser, corpus: readonly string[], next: () => number): string {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(next() * of.length)] as T;
  const parts = (text: string) => text.slice(Math.floor(next() * text.length), Math.floor(next() * text.length) + 1);
  const put = (): string => {
    const dice = next();
    if (dice < 0.2) return '';
    if (dice < 0.7) return pick(pieces);
    if (dice < 0.8) return String.fromCharCode(Math.floor(next() * (octets ? 256 : 0xffff)));
    if (dice < 0.9) return pick(pieces).repeat(1 + Math.floor(next() * 40));
    return parts(pick(corpus));
  };
  const edits = Array.from({ length: 1 + Math.floor(next() * 4) }, () => ({
    at: next(),
    take: next() < 0.5 ? 0 : Math.floor(next() * 20),
    put: put(),
  }));
  const text = edited(pick(corpus), edits).slice(0, 20_000);
  return octets ? inOctets(text) : text;
}

interface Reached {
  /** Whether any code has run since the last look that never ran before; it is old from then on, unless told otherwise. */
  fresh(learn?: boolean): boolean;
  /** How much of the code of the functions that were seen has run, from 0 to 1. */
  part(): number;
  close(): void;
}

/** For each function of these files, which of its characters have run. */
function reachedIn(files: readonly string[]): Reached {
  const session = new Session();
  session.connect();
  const post = (method: string, given: object = {}): unknown => {
    let answer: unknown;
    session.post(method, given, (error: Error | null, said?: object) => {
      if (error !== null) throw error;
      answer = said;
    });
    return answer; // the inspector of this very process answers at once
  };
  post('Profiler.enable');
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const ran = new Map<string, Uint8Array>();
  return {
    fresh: (learn = true) => {
      const { result } = post('Profiler.takePreciseCoverage') as Coverage;
      let isNew = false;
      for (const { url, functions } of result) {
        if (!files.some((file) => url.includes(file))) continue;
        for (const { ranges } of functions) {
          const [whole] = ranges;
          if (whole === undefined) continue;
          const key = `${url} ${whole.startOffset} ${whole.endOffset}`;
          const before = ran.get(key) ?? new Uint8Array(whole.endOffset - whole.startOffset);
          const now = runIn(ranges, whole.startOffset, before.length);
          isNew ||= now.some((one, at) => one > (before[at] ?? 0));
          if (learn || !ran.has(key)) ran.set(key, learn ? before.map((one, at) => one | (now[at] ?? 0)) : before);
        }
      }
      return isNew;
    },
    part: () => {
      const all = [...ran.values()];
      const sum = (of: (one: Uint8Array) => number) => all.reduce((total, one) => total + of(one), 0);
      return (
        sum((one) => one.reduce((a, b) => a + b, 0)) /
        Math.max(
          1,
          sum(({ length }) => length),
        )
      );
    },
    close: () => {
      post('Profiler.stopPreciseCoverage');
      session.disconnect();
    },
  };
}

/** Ranges come from the outer to the inner; what runs as often as what it stands in isn't told apart. */
function runIn(ranges: Ranges, start: number, length: number): Uint8Array {
  const now = new Uint8Array(length);
  for (const { startOffset, endOffset, count } of ranges)
    now.fill(count > 0 ? 1 : 0, startOffset - start, endOffset - start);
  return now;
}
