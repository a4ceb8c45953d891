/**
 * Extracts of invented people in the published form: 56 columns, one line an activity, a `|` at the end of each line. The same number
 * and seed give the same file. Run as a program it writes one of any size: `npx tsx tests/directory/extract-maker.ts LINES > FILE`.
 */
import { once } from 'node:events';
import { createWriteStream, existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const HEADER = [
  "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code civilité d'exercice|Libellé civilité d'exercice|Code civilité|Libellé civilité|Nom d'exercice|Prénom d'exercice|",
  'Code profession|Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire|Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire|',
  'Code mode exercice|Libellé mode exercice|Numéro SIRET site|Numéro SIREN site|Numéro FINESS site|Numéro FINESS établissement juridique|Identifiant technique de la structure|',
  'Raison sociale site|Enseigne commerciale site|Complément destinataire (coord. structure)|Complément point géographique (coord. structure)|Numéro Voie (coord. structure)|',
  'Indice répétition voie (coord. structure)|Code type de voie (coord. structure)|Libellé type de voie (coord. structure)|Libellé Voie (coord. structure)|Mention distribution (coord. structure)|',
  'Bureau cedex (coord. structure)|Code postal (coord. structure)|Code commune (coord. structure)|Libellé commune (coord. structure)|Code pays (coord. structure)|Libellé pays (coord. structure)|',
  'Téléphone (coord. structure)|Téléphone 2 (coord. structure)|Télécopie (coord. structure)|Adresse e-mail (coord. structure)|Code Département (structure)|Libellé Département (structure)|',
  "Ancien identifiant de la structure|Autorité d'enregistrement|Code secteur d'activité|Libellé secteur d'activité|Code section tableau pharmaciens|Libellé section tableau pharmaciens|",
  'Code rôle|Libellé rôle|Code genre activité|Libellé genre activité|',
].join('');

const NAMES = HEADER.split('|').slice(0, -1);

/** What a line says; the rest of its 56 values stay empty. */
export interface Line {
  /** IdNat_PS, 12 digits. */
  readonly identifier: string;
  readonly lastName: string;
  readonly firstName: string;
  readonly profession?: readonly [code: string, label: string] | undefined;
  readonly role?: readonly [code: string, label: string] | undefined;
  readonly postalCode?: string | undefined;
  readonly city?: string | undefined;
  readonly cedex?: string | undefined;
  readonly speciality?: string | undefined;
}

export const PHYSICIAN = ['10', 'Médecin'] as const;
export const NURSE = ['60', 'Infirmier'] as const;
export const ROLE_HOLDER = ['99', 'Acteur du système de santé caractérisé par un rôle'] as const;
export const SECRETARY = ['331', 'Secrétaire médicale'] as const;

export function lineOf(line: Line): string {
  const values: Readonly<Record<string, string | undefined>> = {
    "Type d'identifiant PP": '8',
    'Identifiant PP': line.identifier.slice(1),
    'Identification nationale PP': line.identifier,
    "Nom d'exercice": line.lastName,
    "Prénom d'exercice": line.firstName,
    'Code profession': line.profession?.[0],
    'Libellé profession': line.profession?.[1],
    'Libellé savoir-faire': line.speciality,
    'Bureau cedex (coord. structure)': line.cedex,
    'Code postal (coord. structure)': line.postalCode,
    'Libellé commune (coord. structure)': line.city,
    'Code rôle': line.role?.[0],
    'Libellé rôle': line.role?.[1],
  };
  return `${NAMES.map((name) => values[name] ?? '').join('|')}|`;
}

/** A whole file: byte order mark or not, its header, its lines. */
export function extractOf(lines: readonly Line[]): string {
  return [HEADER, ...lines.map(lineOf), ''].join('\n');
}

const LAST = [
  'MARTIN',
  'BERNARD',
  'DUBOIS',
  'LEFÈVRE',
  "D'ANGELO",
  'SAINT-ÉTIENNE',
  'NGUYEN',
  'MOREAU',
  'GARCIA',
  'ŒUVRARD',
];
const FIRST = ['JEAN', 'MARIE', 'ANNE-SOPHIE', 'FRANÇOIS', 'ZOÉ', 'LOUIS', 'CAMILLE', 'NOÉMIE', 'PAUL', 'INÈS'];
const TOWNS = [
  'PARIS',
  'LYON',
  'MARSEILLE',
  'SAINT-DENIS',
  'BREST',
  'LILLE',
  'NÎMES',
  'TOURS',
  'AJACCIO',
  "L'HAŸ-LES-ROSES",
];
const PROFESSIONS = [
  PHYSICIAN,
  NURSE,
  ['50', 'Sage-Femme'],
  ['70', 'Masseur-Kinésithérapeute'],
  ['21', 'Pharmacien'],
  ROLE_HOLDER,
] as const;

/** Person number `n`, 0 and up: one line or several, with names that many share and a few that hardly anybody has. */
export function personLines(n: number): readonly Line[] {
  const mixed = (n * 2_654_435_761) % 4_294_967_296;
  const pick = <T>(from: readonly T[], by: number): T => from[Math.floor(mixed / by) % from.length] as T;
  const rare = (mixed % 9973)
    .toString(26)
    .replace(/\d/g, (digit) => 'KLMNOPQRST'.charAt(Number(digit)))
    .toUpperCase();
  const lastName = mixed % 3 === 0 ? pick(LAST, 7) : `${pick(LAST, 7).slice(0, 4)}${rare}`;
  const profession = pick(PROFESSIONS, 11);
  const places = 1 + (mixed % 4 === 0 ? 2 : 0);
  return Array.from({ length: places }, (_, place): Line => {
    const postal = String(1000 + ((mixed + place * 977) % 94_000)).padStart(5, '0');
    const city = pick(TOWNS, 13 + place);
    return {
      identifier: `81${String(n).padStart(10, '0')}`,
      lastName,
      firstName: pick(FIRST, 17),
      profession,
      role: profession === ROLE_HOLDER ? SECRETARY : undefined,
      postalCode: postal,
      ...(mixed % 5 === 0 ? { cedex: `${postal} ${city} CEDEX` } : { city }),
    };
  });
}

/** Writes an extract of about so many lines. Returns how many, and of how many people. */
export async function writeExtract(file: string | number, lines: number): Promise<{ lines: number; people: number }> {
  const out = typeof file === 'number' ? createWriteStream('', { fd: file }) : createWriteStream(file);
  let written = 0;
  let people = 0;
  let pieces: string[] = [`${HEADER}\n`];
  const flush = async () => {
    if (!out.write(pieces.join(''))) await once(out, 'drain');
    pieces = [];
  };
  for (; written < lines; people++) {
    for (const line of personLines(people)) {
      pieces.push(`${lineOf(line)}\n`);
      written++;
    }
    if (pieces.length > 2000) await flush();
  }
  await flush();
  out.end();
  await once(out, 'finish');
  return { lines: written, people };
}

const called = process.argv[1];
if (called !== undefined && existsSync(called) && realpathSync(called) === fileURLToPath(import.meta.url)) {
  await writeExtract(1, Number(process.argv[2] ?? 1000));
}
