/** Inputs for a parser: well-formed ones with a few changes, pieces in a row, and noise. fast-check makes and shrinks them. */
import fc from 'fast-check';
import type { Parser } from './parser.ts';

interface Edit {
  /** Where, as a part of the whole. */
  readonly at: number;
  readonly take: number;
  readonly put: string;
}

export function edited(text: string, edits: readonly Edit[]): string {
  return edits.reduce((now, { at, take, put }) => {
    const from = Math.floor(at * (now.length + 1));
    return now.slice(0, from) + put + now.slice(from + take);
  }, text);
}

/** What is no octet, as the octets of its UTF-8. */
export const inOctets = (text: string): string =>
  /[\u0100-\uffff]/.test(text) ? Buffer.from(text).toString('latin1') : text;

type Made = Pick<Parser, 'samples' | 'pieces' | 'octets'>;

export function inputsOf({ samples, pieces, octets = false }: Made): fc.Arbitrary<string> {
  const noise = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.string({ maxLength: 6 }),
    fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );
  const piece = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...pieces) }, { weight: 1, arbitrary: noise });
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    take: fc.oneof(fc.constant(0), fc.nat({ max: 3 }), fc.nat({ max: 200 })),
    put: fc.oneof(fc.constant(''), piece),
  });
  const nearly = fc
    .tuple(fc.constantFrom(...samples), fc.array(edit, { maxLength: 4 }))
    .map(([text, edits]) => edited(text, edits));
  const row = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(''));
  const any = fc.oneof({ weight: 3, arbitrary: nearly }, { weight: 2, arbitrary: row });
  return octets ? any.map(inOctets) : any;
}
