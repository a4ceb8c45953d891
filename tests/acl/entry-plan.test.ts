import fc from 'fast-check';
import t from 'tap';
import { type EntryFacts, type EntryStep, entryStep, negativeEntries } from '../../acl/entry-plan.ts';
import { canonical, NONE, type Rights } from '../../acl/rights.ts';
import { someRights } from './rights-samples.ts';

const R = canonical('lrswipkxte');
const B = canonical('lr');
const OTHER = canonical('lrs');

const NOTHING: EntryStep = { kind: 'none' };
const set = (rights: Rights): EntryStep => ({ kind: 'set', rights });
const DELETE: EntryStep = { kind: 'delete' };

type Maybe = Rights | undefined;

/** The table in acl/entry-plan.ts, line by line. desired, own entry, they see, before, step, why */
const TABLE: readonly (readonly [Maybe, Maybe, Rights, Maybe, EntryStep, string])[] = [
  [R, R, R, undefined, NOTHING, 'converged'],
  [R, R, R, B, NOTHING, 'converged; what stood there before waits in the ledger'],

  [R, R, OTHER, undefined, NOTHING, 'a foreign entry decides: never removed'],
  [R, R, NONE, undefined, NOTHING, 'a negative entry of somebody else: the same'],

  [R, OTHER, R, undefined, set(R), 'their own entry is ours to write, whatever they see'],
  [R, OTHER, OTHER, undefined, set(R), 'drift'],
  [R, NONE, NONE, undefined, set(R), 'an entry without rights is an entry'],
  [R, B, B, B, set(R), 'a first grant over an entry that stood there'],

  [R, undefined, R, undefined, NOTHING, 'inherited: no entry of their own is needed'],
  [R, undefined, R, B, NOTHING, 'the same'],

  [R, undefined, OTHER, undefined, set(R), 'they fall short'],
  [R, undefined, NONE, undefined, set(R), 'a first grant'],
  [R, undefined, canonical('lrswipkxtea'), undefined, set(R), 'they see more than they should: an own entry decides'],

  [undefined, undefined, NONE, undefined, NOTHING, 'nothing there, nothing due'],
  [undefined, undefined, OTHER, undefined, NOTHING, 'what they see comes from entries of others'],

  [undefined, undefined, NONE, B, set(B), 'the entry that stood there before comes back'],
  [undefined, undefined, NONE, NONE, set(NONE), 'even one that gave nothing'],

  [undefined, R, R, undefined, DELETE, 'ours'],
  [undefined, OTHER, OTHER, undefined, DELETE, 'a copy the server made of ours'],
  [undefined, NONE, NONE, undefined, DELETE, 'an empty one'],

  [undefined, B, B, B, NOTHING, 'as it stood before'],
  [undefined, NONE, NONE, NONE, NOTHING, 'as it stood before, empty'],

  [undefined, R, R, B, set(B), 'ours goes, their own comes back'],
  [undefined, R, R, NONE, set(NONE), 'back to an entry that gave nothing'],
];

t.test('the truth table', async (t) => {
  for (const [wanted, entry, effective, before, step, why] of TABLE) {
    t.same(entryStep({ desired: wanted, entry, effective, before }), step, why);
  }
});

const maybe = fc.option(someRights, { nil: undefined });
const facts: fc.Arbitrary<EntryFacts> = fc.record({
  desired: maybe,
  entry: maybe,
  effective: someRights,
  before: maybe,
});

const applied = (entry: Maybe, step: EntryStep): Maybe =>
  step.kind === 'set' ? step.rights : step.kind === 'delete' ? undefined : entry;

t.test('applying a step leads where no further step is due, whatever they see then', async () => {
  fc.assert(
    fc.property(facts, someRights, (given, seenThen) => {
      const step = entryStep(given);
      const entry = applied(given.entry, step);
      // A step that leaves things alone leaves what they see alone.
      const effective = step.kind === 'none' ? given.effective : seenThen;
      return entryStep({ ...given, entry, effective }).kind === 'none';
    }),
    { numRuns: 1000 },
  );
});

t.test('a revoke ends exactly at what stood there before', async () => {
  fc.assert(
    fc.property(facts, (given) => {
      const revoked = { ...given, desired: undefined };
      return applied(given.entry, entryStep(revoked)) === given.before;
    }),
  );
});

t.test('a grant followed by its revoke is as if nothing had been', async () => {
  fc.assert(
    fc.property(someRights, maybe, someRights, (wanted, before, effective) => {
      const granted = applied(before, entryStep({ desired: wanted, entry: before, effective, before }));
      const step = entryStep({ desired: undefined, entry: granted, effective: wanted, before });
      return applied(granted, step) === before;
    }),
  );
});

t.test('nothing is ever given but what is desired or stood there before', async () => {
  fc.assert(
    fc.property(facts, (given) => {
      const step = entryStep(given);
      if (step.kind === 'set') return step.rights === (given.desired ?? given.before);
      if (step.kind === 'delete') return given.desired === undefined && given.before === undefined;
      return true;
    }),
  );
});

t.test('entries that may keep a delegate out', async (t) => {
  const there = ['-anyone', '-authenticated', '-bob', '-bobby', '-alice', 'bob', 'anyone', '-owner', '-'];
  t.same(negativeEntries(there, 'bob'), ['-anyone', '-authenticated', '-bob'], 'against them or everybody');
  t.same(negativeEntries(['bob', 'anyone'], 'bob'), [], 'positive entries keep nobody out');
  t.same(negativeEntries(new Map([['-bob', 'lr']]).keys(), 'bob'), ['-bob'], 'any iterable');
});
