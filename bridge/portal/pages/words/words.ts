/** Every sentence of the pages, in the language of whoever reads them. French is where a key is declared; the others have the same by type. */
import type { FailureCode } from '../../../shared/failure.ts';
import { unbrokenWords } from '../../../shared/french-blanks.ts';
import type { Language } from '../../context.ts';
import { EN } from './en.ts';
import { FR } from './fr.ts';
import type { Words } from './shape.ts';

const LISTS: Readonly<Record<Language, Words>> = { fr: unbrokenWords(FR), en: EN };

export const wordsIn = (language: Language): Words => LISTS[language];

/** What went wrong, by its fault where its rule knows several, else by its rule, else by who must act. */
export function sentenceOf(
  { codes: { faults, refusals, failures } }: Words,
  {
    code,
    rule = '',
    fault,
  }: { readonly code: FailureCode; readonly rule?: string | undefined; readonly fault?: string | undefined },
): string {
  const known: Readonly<Record<string, string>> = { ...refusals, ...faults };
  return (
    [`${rule} ${fault}`, rule]
      .flatMap((name) => (Object.hasOwn(known, name) ? known[name] : []))
      .find((one) => one !== undefined) ?? failures[code]
  );
}

/** What a code is called; the code itself where it has no word. */
export const called = (list: Readonly<Record<string, string>>, code: string): string =>
  Object.hasOwn(list, code) ? (list[code] ?? code) : code;
