/**
 * National identifiers of French health professionals: the RPPS number, 11 digits for life, and IdNat_PS, which is `8` before it.
 * People write both; one form is kept, 12 digits starting with 8. R5, R8, R21, R22.
 */

export interface RppsSettings {
  /** Refuses a number whose last digit isn't the Luhn key of the others, instead of warning. */
  readonly strict: boolean;
  /** Takes numbers of the national test kits (99...), which are nobody's. */
  readonly allowTestIdentities: boolean;
}

/** What was accepted, and deserves a second look. */
export type RppsWarning =
  | 'RPPS_SHORT' // 11 digits were given, 8 was put before them
  | 'RPPS_KEY' // the last digit isn't the key of the others: mistyped, or a number from a manual
  | 'RPPS_RANGE'; // no number known starts so

export type RppsFault =
  | 'empty'
  | 'characters'
  | 'length'
  | 'adeli' // 9 digits, or 10 with a leading 0
  | 'other-type' // the identifier of something else: a structure, a student
  | 'key' // as RPPS_KEY, where the site is strict
  | 'mistyped' // RPPS_KEY and RPPS_RANGE at once: nobody has it, wherever it was typed off
  | 'test'; // of a test kit

export type RppsReading =
  | { readonly ok: true; readonly identifier: string; readonly warnings: readonly RppsWarning[] }
  | { readonly ok: false; readonly fault: RppsFault; readonly why: string };

/** What stands before the number of an IdNat_PS that isn't RPPS's 8. */
const TYPES: Readonly<Record<string, string>> = {
  0: 'ADELI',
  1: 'ADELI and an internal identifier (CPE)',
  2: 'DRASS',
  3: 'FINESS and an internal identifier (CPE)',
  4: 'SIREN and an internal identifier (CPE)',
  5: 'SIRET and an internal identifier (CPE)',
  6: 'an RPPS practice and an internal identifier (CPE)',
  9: 'a student',
};

const PORTAL =
  'only professionals with an RPPS number can be delegates; others get one at https://esante.gouv.fr/produits-services/portail-rpps-plus';

/** Reads what a person typed or a file holds. Spaces of every kind, dots and hyphens in it don't matter. */
export function readRpps(typed: string, { strict, allowTestIdentities }: RppsSettings): RppsReading {
  const text = typed.normalize('NFKC').replace(/[\s.\p{Pd}]/gu, '');
  const fault = faultOf(text);
  if (fault !== undefined) return { ok: false, ...fault };
  const short = text.length === 11;
  const number = short ? text : text.slice(1);
  const keyed = luhn(number) === 0;
  if (number.startsWith('99') && !allowTestIdentities) {
    return { ok: false, fault: 'test', why: 'it is of the national test kit, and nobody has it' };
  }
  if (!keyed && strict) {
    return { ok: false, fault: 'key', why: 'its last digit is not the key of the others: one of them is mistyped' };
  }
  const inRange = number.startsWith('1');
  if (!keyed && !inRange && !number.startsWith('99')) {
    const why = 'its last digit is not the key of the others, and no RPPS number in use starts so: it is mistyped';
    return { ok: false, fault: 'mistyped', why };
  }
  const warnings: RppsWarning[] = [];
  if (short) warnings.push('RPPS_SHORT');
  if (!keyed) warnings.push('RPPS_KEY');
  if (!inRange) warnings.push('RPPS_RANGE');
  return { ok: true, identifier: `8${number}`, warnings };
}

function faultOf(text: string): { readonly fault: RppsFault; readonly why: string } | undefined {
  const type = TYPES[text.charAt(0)];
  if (text === '') return { fault: 'empty', why: 'it is empty' };
  if (type !== undefined && /^\d+\/[\w/]*$/.test(text)) {
    return { fault: 'other-type', why: `it is the identifier of ${type}; ${PORTAL}` };
  }
  if (!/^\d+$/.test(text)) return { fault: 'characters', why: 'an RPPS identifier is 12 digits starting with 8' };
  if (text.length === 11 || (text.length === 12 && text.startsWith('8'))) return undefined;
  if (text.length >= 12 && type !== undefined) {
    return { fault: 'other-type', why: `it is the identifier of ${type}; ${PORTAL}` };
  }
  if (text.length === 9 || (text.length === 10 && text.startsWith('0'))) {
    return { fault: 'adeli', why: `it looks like an ADELI or a FINESS number; ${PORTAL}` };
  }
  return { fault: 'length', why: `it has ${text.length} digits, and an RPPS identifier 12, starting with 8` };
}

/** The remainder by 10 of Luhn's sum (ISO/IEC 7812-1 annex B), 0 where the last digit is the key. Never of the 12 digits: their 8 adds 7. */
function luhn(digits: string): number {
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10;
}

const SENTENCES: Readonly<Record<RppsWarning, string>> = {
  RPPS_SHORT: '11 digits were given, and are taken as an RPPS number: 8 stands before them now',
  RPPS_KEY: 'its last digit is not the key of the others: is it mistyped?',
  RPPS_RANGE: 'RPPS numbers in use start with 1 behind the 8: is it mistyped?',
};

export function describeRppsWarning(warning: RppsWarning): string {
  return SENTENCES[warning];
}
