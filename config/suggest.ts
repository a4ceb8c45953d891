/**
 * What an unknown key was probably meant to be: a misspelt neighbour, a key of another section, or a section.
 * Only names are looked at, never values.
 */
import { distance } from 'fastest-levenshtein';
import * as z from 'zod';
import { bare } from './fields.ts';
import { schema } from './schema.ts';

/** Every section with the names of its keys; '' is the top of the file, `portal.services` one of several with names of the site's. */
const SECTIONS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({ '': schema, ...schema.shape }).flatMap(([name, field]) => keysOf(name, field)),
);

function keysOf(name: string, field: z.core.$ZodType): readonly (readonly [string, readonly string[]])[] {
  const section = bare(field);
  if (section instanceof z.ZodRecord) return keysOf(name, section.valueType);
  if (!(section instanceof z.ZodObject)) return [];
  const within = name === '' ? [] : Object.entries(section.shape);
  const named = within.filter(([, inner]) => bare(inner) instanceof z.ZodRecord);
  return [[name, Object.keys(section.shape)], ...named.flatMap(([key, inner]) => keysOf(`${name}.${key}`, inner))];
}

/** `adminUser`, `Admin-User` and `admin user` are spelt like admin_user before the distance is taken. */
const spelling = (key: string): string =>
  key
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/[\s-]+/g, '_')
    .toLowerCase();

/** The candidate nearest to `key`, if near enough to be meant: a third of its letters may differ, and a beginning counts. */
function nearest(key: string, candidates: readonly string[]): string | undefined {
  const written = spelling(key);
  const ranked = candidates
    .map((name) => ({ name, far: distance(written, name), limit: Math.max(1, Math.floor(name.length / 3)) }))
    .sort((a, b) => a.far - b.far);
  const close = ranked.find(({ far, limit }) => far <= limit);
  return (close ?? ranked.find(({ name }) => written.length > 2 && name.startsWith(`${written}_`)))?.name;
}

const place = (section: string): string =>
  section === '' ? 'at the top of the file, before the first [section]' : `in [${section}]`;

/** One sentence for a key that `section` ('' for the top) doesn't know. */
export function suggestion(written: string, key: string): string {
  const section = SECTIONS.has(written) ? written : written.replace(/\.[^.]*$/, '');
  const own = SECTIONS.get(section) ?? [];
  const elsewhere = [...SECTIONS]
    .filter(([name, keys]) => name !== section && keys.includes(key))
    .map(([name]) => name);

  if (section !== '' && SECTIONS.has(key)) return `it is a section of its own: write [${key}]`;
  if (elsewhere.length > 0) return `it belongs ${elsewhere.map(place).join(' or ')}`;
  const near = nearest(key, own);
  if (near !== undefined) return SECTIONS.has(near) ? `did you mean [${near}]?` : `did you mean ${near}?`;
  for (const [name, keys] of SECTIONS) {
    const far = nearest(key, keys);
    if (far === undefined || name === section) continue;
    return SECTIONS.has(far) ? `did you mean the section [${far}]?` : `did you mean ${far}, ${place(name)}?`;
  }
  const known = own.map((name) => (SECTIONS.has(name) ? `[${name}]` : name));
  return `take it out; known here: ${known.join(', ')}`;
}
