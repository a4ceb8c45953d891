/** What every word list has: French is where a key is declared; the others have the same by type. */
import type { FR } from './fr.ts';

/** Of a word list: the same keys, whatever they say. A function keeps its arguments. */
type Same<List> = {
  readonly [Key in keyof List]: List[Key] extends string
    ? string
    : List[Key] extends (...args: infer Given) => string
      ? (...args: Given) => string
      : Same<List[Key]>;
};

export type Words = Same<typeof FR>;
