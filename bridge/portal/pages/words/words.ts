/** Every sentence of the pages, in the language of whoever reads them. French is where a key is declared; the others have the same by type. */
import type { Language } from '../../context.ts';
import { EN } from './en.ts';
import { FR } from './fr.ts';
import type { Words } from './shape.ts';

const LISTS: Readonly<Record<Language, Words>> = { fr: FR, en: EN };

export const wordsIn = (language: Language): Words => LISTS[language];

/** What a code is called; the code itself where it has no word. */
export const called = (list: Readonly<Record<string, string>>, code: string): string =>
  Object.hasOwn(list, code) ? (list[code] ?? code) : code;
