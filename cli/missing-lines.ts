import type { Missing } from '../bridge/acting/not-in-force.ts';

/** All of it at once, with what to do: whoever mends one thing should not have to come back for the next. */
export function missingLines(lead: string, withheld: readonly Missing[] = []): readonly string[] {
  return withheld.flatMap(({ sentence, remedy }, at) => [
    `  ${at === 0 ? `${lead}: ` : 'and '}${sentence}`,
    ...(remedy === '' ? [] : [`    -> ${remedy}`]),
  ]);
}
