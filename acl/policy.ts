/**
 * Whether a delegation is in force now, and if not, why. The row may stay while a condition fails (suspended)
 * and comes back by itself when it holds again. Starts are inclusive, ends and lapses exclusive: at the instant of its end it has ended.
 * R2, R5, R13, R14, R26, R27, R43, R45.
 */
import { CONDITIONS } from './conditions.ts';
import type { DelegationFacts, Instant, NotInForce, PolicyRules } from './delegation-facts.ts';

export type Verdict = { readonly inForce: true } | { readonly inForce: false; readonly why: NotInForce };

/** The verdict at `now`: the first condition that doesn't hold. */
export function verdict(facts: DelegationFacts, rules: PolicyRules, now: Instant): Verdict {
  const failing = CONDITIONS.find(({ holds }) => !holds(facts, now, rules));
  return failing === undefined ? { inForce: true } : { inForce: false, why: failing.why };
}

/** One condition of a delegation, as it stands. */
export interface Condition {
  readonly why: NotInForce;
  readonly holds: boolean;
  /** How it stands, a sentence. */
  readonly sentence: string;
  /** Since when it stands so, where that is known; a time to come is when it will hold. */
  readonly since: Instant | null;
  /** Until when it holds, where that is known. */
  readonly until: Instant | null;
  /** What would change it; empty where it holds. */
  readonly remedy: string;
}

/** How the pair of a delegation is called at the command line. */
export interface PairNames {
  readonly mailbox: string;
  readonly delegate: string;
}

/** A remedy with the names of the pair in it. */
export function named(remedy: string, names: PairNames | undefined): string {
  if (names === undefined) return remedy;
  const { mailbox, delegate } = names;
  const domain = mailbox.slice(mailbox.lastIndexOf('@') + 1);
  return remedy.replace(/\b(?:MAILBOX|DELEGATE|DOMAIN)\b/g, (word) =>
    word === 'MAILBOX' ? mailbox : word === 'DELEGATE' ? delegate : domain,
  );
}

/** Every condition, in the order in which they are judged. `turned`: when it last became as it is, where the condition itself can't tell. */
export function conditions(
  facts: DelegationFacts,
  rules: PolicyRules,
  now: Instant,
  turned: Readonly<Partial<Record<NotInForce, Instant>>> = {},
  names?: PairNames,
): readonly Condition[] {
  return CONDITIONS.map(({ why, holds, kept, broken, remedy, from, to }) => {
    const does = holds(facts, now, rules);
    const [begins, ends] = [from?.(facts) ?? null, to?.(facts) ?? null];
    return {
      why,
      holds: does,
      sentence: does ? kept : broken,
      since: (does ? begins : (ends ?? begins)) ?? turned[why] ?? null,
      until: does ? ends : null,
      remedy: does ? '' : named(remedy, names),
    };
  });
}

export function describeNotInForce(why: NotInForce): string {
  return CONDITIONS.find((condition) => condition.why === why)?.broken ?? why;
}
