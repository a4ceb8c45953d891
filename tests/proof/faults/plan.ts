/** Which faults are to be tried: by chance, or every one there is at a place. */
import fc from 'fast-check';
import type { Fault, Side } from './faulty-wire.ts';
import { PLACES, type Place } from './faulty-world.ts';
import type { Planned } from './inject.ts';

/** What a whole grant or revoke, undisturbed, takes at a place. */
export interface Measure {
  readonly client: number;
  readonly server: number;
  readonly commands: number;
}

export type Measures = Readonly<Record<Place, Measure>>;

const SIDES: readonly Side[] = ['client', 'server'];

/** Weighted by how much there is to go wrong; the notices' and the filter's SMTP and the copies' LMTP have faults of octets alone. */
export function planned(measures: Measures, seed: number, count: number): readonly Planned[] {
  const octet = (place: Place, side: Side) => fc.nat({ max: Math.max(0, measures[place][side] - 1) });
  const side = fc.constantFrom(...SIDES);
  const at = (place: Place) => side.chain((of) => octet(place, of).map((after) => ({ of, after })));
  const garbage = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  const faultOf = (place: Place): fc.Arbitrary<Fault> => {
    const common: { weight: number; arbitrary: fc.Arbitrary<Fault> }[] = [
      { weight: 8, arbitrary: at(place).map((where) => ({ kind: 'cut', ...where })) },
      { weight: 2, arbitrary: at(place).map((where) => ({ kind: 'silence', ...where })) },
      { weight: 2, arbitrary: at(place).map((where) => ({ kind: 'half-open', ...where })) },
      {
        weight: 3,
        arbitrary: fc.tuple(at(place), garbage).map(([where, octets]) => ({ kind: 'garbage', octets, ...where })),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'refused' }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'trickle' }) },
    ];
    if (place !== 'imap') return fc.oneof(...common);
    const command = fc.integer({ min: 1, max: Math.max(1, measures.imap.commands) });
    return fc.oneof(
      ...common,
      { weight: 3, arbitrary: octet(place, 'server').map((after) => ({ kind: 'bye', after }) as Fault) },
      {
        weight: 4,
        arbitrary: fc
          .tuple(command, fc.constantFrom('NO', 'BAD'))
          .map(([n, say]) => ({ kind: 'answer', command: n, say }) as Fault),
      },
    );
  };
  const one = fc
    .oneof(
      { weight: 6, arbitrary: fc.constant<Place>('imap') },
      { weight: 2, arbitrary: fc.constant<Place>('doveadm') },
      { weight: 1, arbitrary: fc.constant<Place>('notices') },
      { weight: 1, arbitrary: fc.constant<Place>('reinject') },
      { weight: 1, arbitrary: fc.constant<Place>('copies') },
    )
    .chain((place) => faultOf(place).map((fault) => ({ place, fault })));
  return fc.sample(one, { seed, numRuns: count });
}

/** Each octet of each side at each place, and each command: what `--every` tries, `step` by `step`. */
export function* everyOne(measures: Measures, step: number, only: string): Generator<Planned> {
  for (const place of PLACES.filter((one) => one.includes(only))) {
    for (const of of SIDES) {
      for (let after = 0; after < measures[place][of]; after += step)
        yield { place, fault: { kind: 'cut', of, after } };
    }
  }
  if (!'imap'.includes(only)) return;
  for (let command = 1; command <= measures.imap.commands; command++) {
    for (const say of ['NO', 'BAD'] as const) yield { place: 'imap', fault: { kind: 'answer', command, say } };
  }
}

/** Silence, and the half of it, in the middle of what each side says at a place. */
export function* silences(measures: Measures, only: string): Generator<Planned> {
  for (const place of PLACES.filter((one) => one.includes(only)))
    for (const kind of ['silence', 'half-open'] as const)
      for (const of of SIDES) yield { place, fault: { kind, of, after: measures[place][of] >> 1 } };
}
