/**
 * Rights that a server gives only together, as LISTRIGHTS tells (RFC 4314 section 3.7): what is tied to a right that a delegate shouldn't
 * have is not given either. And how rights are written to a server that knows RFC 2086 only.
 */
import { canonical, LETTERS, type Rights } from './rights.ts';

/** What a server offers: RFC 4314's letters or those of RFC 2086, and groups of (RFC 4314) letters that it gives only together. */
export interface Offer {
  readonly letters: 'rfc4314' | 'rfc2086';
  readonly ties: readonly string[];
}

/** Where LISTRIGHTS says nothing. */
export const UNTIED: Offer = { letters: 'rfc4314', ties: [] };

/** `groups`: LISTRIGHTS' values behind the folder and the identifier, the first of which is what everybody has anyway. */
export function offerOf([required = '', ...optional]: readonly string[]): Offer {
  const all = [required, ...optional].join('');
  if (!/[kxte]/.test(all) && /[cd]/.test(all)) {
    // Deleting a folder, marking and expunging are one right there.
    const translated = optional.map((group) => group.replace('c', 'k').replace('d', 'xte'));
    return { letters: 'rfc2086', ties: several(translated) };
  }
  return { letters: 'rfc4314', ties: several(optional) };
}

const several = (groups: readonly string[]) =>
  groups.map((group) => LETTERS.filter((letter) => group.includes(letter)).join('')).filter(({ length }) => length > 1);

/** The part of `rights` that can be given without anything else. */
export function attainable(rights: Rights, ties: readonly string[]): Rights {
  const torn = ties.filter((group) => {
    const within = [...group].filter((letter) => rights.includes(letter)).length;
    return within > 0 && within < group.length;
  });
  if (torn.length === 0) return rights;
  const left = [...rights].filter((letter) => !torn.some((group) => group.includes(letter)));
  return attainable(canonical(left.join('')), ties);
}

/** For SETACL. */
export function written(rights: Rights, { letters, ties }: Offer): string {
  const given = attainable(rights, ties);
  if (letters === 'rfc4314') return given;
  const remove = ['x', 't', 'e'].every((letter) => given.includes(letter)) ? 'd' : '';
  return given.replace('k', 'c').replace(/[xte]/g, '') + remove;
}
