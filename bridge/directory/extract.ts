/**
 * The published extract of professionals and their activities (Annuaire santé, PS_LibreAcces_Personne_activite): one line an activity,
 * `|` between the values and sometimes behind the last, no quoting. Several lines a person, with or without a place.
 */
import { placesOf } from './column-names.ts';
import { type ReadLine, valuesOf } from './published-lines.ts';

export interface Activity {
  /** IdNat_PS, 12 digits starting with 8. */
  readonly identifier: string;
  readonly lastName: string;
  readonly firstName: string;
  /** Code and label; empty where there is none. */
  readonly profession: Coded;
  readonly role: Coded;
  readonly postalCode: string;
  readonly city: string;
}

export interface Coded {
  readonly code: string;
  readonly label: string;
}

const COLUMNS = {
  type: 'type identifiant pp',
  number: 'identifiant pp',
  identifier: 'identification nationale pp',
  lastName: 'nom exercice',
  firstName: 'prenom exercice',
  professionCode: 'code profession',
  professionLabel: 'libelle profession',
  postalCode: 'code postal',
  city: 'libelle commune',
  cedex: 'bureau cedex',
  roleCode: 'code role',
  roleLabel: 'libelle role',
} as const;

/** Reads lines by the header that stands above them. Fails `config` naming the columns that it lacks. */
export function lineReader(header: string, file: string): ReadLine<Activity> {
  const names = header.replace(/^\ufeff/, '').split('|');
  const at = placesOf(names, COLUMNS, ['roleCode', 'roleLabel'], file);
  return (line) => {
    const values = valuesOf(line, names);
    if ('why' in values) return values;
    const value = (place: number) => (place < 0 ? '' : (values[place] ?? '').trim());
    const identifier = value(at.identifier);
    if (value(at.type) !== '8') return { why: `identifier type ${value(at.type) || 'empty'}, not 8 (RPPS)` };
    if (!/^8\d{11}$/.test(identifier) || identifier !== `8${value(at.number)}`) {
      return { why: 'its two identifiers do not agree on an RPPS number' };
    }
    if (value(at.lastName) === '') return { why: 'no name' };
    const cedex = value(at.cedex);
    return {
      identifier,
      lastName: value(at.lastName),
      firstName: value(at.firstName),
      profession: { code: value(at.professionCode), label: value(at.professionLabel) },
      role: { code: value(at.roleCode), label: value(at.roleLabel) },
      postalCode: value(at.postalCode) || (/^\d{5}/.exec(cedex)?.[0] ?? ''),
      city: value(at.city) || cedex.replace(/^\d{5}\s*/, ''),
    };
  };
}
