/** The blanks that French puts before high punctuation and inside its quotation marks: no line is broken there. */

const NO_BREAK = '\u00a0';
const NARROW = '\u202f';

/** Where an ordinary blank stands that must not be one. */
export const LOOSE_BLANK = / (?=[:;!?»])|(?<=«) /g;

/** `narrow`: before `;`, `!` and `?`; `even` where fonts may lack that, as in mails. */
export const unbroken = (text: string, narrow: 'narrow' | 'even' = 'narrow'): string =>
  text.replace(LOOSE_BLANK, (_blank, at: number) =>
    narrow === 'narrow' && ';!?'.includes(text[at + 1] ?? '') ? NARROW : NO_BREAK,
  );

/** The same in a list of words, however deep; what a function says too. */
export function unbrokenWords<List>(list: List): List {
  if (typeof list === 'string') return unbroken(list) as List;
  if (typeof list === 'function') return ((...given: unknown[]) => unbroken(list(...given))) as List;
  if (typeof list !== 'object' || list === null) return list;
  return Object.fromEntries(Object.entries(list).map(([key, one]) => [key, unbrokenWords(one)])) as List;
}
