/**
 * The columns of a published extract, found by their names: the number and the order of columns have changed with the years, and the
 * names in accents, capitals and apostrophes. Never by index.
 */
import { Failure } from '../shared/failure.ts';

/** `Libellé commune (coord. structure)` as `libelle commune`. */
export function normalised(name: string): string {
  return plain(name)
    .replace(/\((coord\. )?structure\)/g, ' ')
    .replace(/\bd'/g, ' ')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
}

/** What a search compares: lower case, without accents, hyphens and apostrophes. */
export function folded(text: string): string {
  return plain(text)
    .replace(/['\p{Pd}\s]+/gu, ' ')
    .trim();
}

function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[\u2018\u2019]/g, "'")
    .replaceAll('\u0153', 'oe')
    .replaceAll('\u00e6', 'ae');
}

/** The place of each wanted column in a header. `wanted` names columns as {@link normalised} gives them. */
export function placesOf<Key extends string>(
  header: readonly string[],
  wanted: Readonly<Record<Key, string>>,
  optional: readonly NoInfer<Key>[],
  what: string,
): Readonly<Record<Key, number>> {
  const names = header.map(normalised);
  const keys = Object.keys(wanted) as Key[];
  const places = Object.fromEntries(keys.map((key) => [key, names.indexOf(wanted[key])])) as Record<Key, number>;
  const missing = keys.filter((key) => places[key] < 0 && !optional.includes(key));
  if (missing.length > 0) {
    throw new Failure(
      'config',
      `${what} lacks ${missing.map((key) => `"${wanted[key]}"`).join(', ')} among its ${header.length} columns`,
      'is it the file of that name as published, from its first line on?',
    );
  }
  return places;
}
