/**
 * What is played in a round, as plain data: stretches in which each group does steps of its own, side by side, and between them steps that
 * touch all of them. A group's history is its own steps and the shared ones, in order; played alone it is a round of one group.
 */
import { described, isShared, type OwnStep, type SharedStep, type Step } from './steps.ts';

export type Item =
  /** By group. */
  { readonly own: readonly (readonly OwnStep[])[] } | { readonly shared: SharedStep };

/** The history of one group. */
export function historyOfGroup(items: readonly Item[], group: number): readonly Step[] {
  return items.flatMap((item): readonly Step[] => ('shared' in item ? [item.shared] : (item.own[group] ?? [])));
}

/** One group's history, to be played alone. */
export function itemsOf(steps: readonly Step[]): readonly Item[] {
  return steps.map((step): Item => (isShared(step) ? { shared: step } : { own: [[step]] }));
}

/** A line for each, for people. */
export function lines(items: readonly Item[]): readonly string[] {
  const many = items.some((item) => 'own' in item && item.own.length > 1);
  return items.flatMap((item) =>
    'shared' in item
      ? [described(item.shared)]
      : item.own.flatMap((steps, group) => steps.map((step) => `${many ? `group ${group}: ` : ''}${described(step)}`)),
  );
}
