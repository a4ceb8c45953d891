/** The published list of MSSanté addresses, of invented mailboxes: 31 columns, one line a mailbox and owner. */

export const HEADER =
  "Type de BAL|Adresse BAL|Type Identifiant PP|Identifiant PP|Identification nationale PP|Type identifiant structure|Identification Structure|Service de rattachement|Civilité d'exercice|Nom d'exercice|Prénom d'exercice|Catégorie profession|Libellé de catégorie profession|Code Profession|Libellé Profession|Code savoir-faire|Libellé savoir-faire|Dématérialisation|Raison Sociale structure BAL|Enseigne commerciale structure BAL|L2COMPLEMENTLOCALISATION structure BAL|L3COMPLEMENTDISTRIBUTION structure BAL|L4NUMEROVOIE structure BAL|L4COMPLEMENTNUMEROVOIE structure BAL|NL4TYPEVOIE structure BAL|L4LIBELLEVOIE structure BAL|L5LIEUDITMENTION structure BAL|L6LIGNEACHEMINEMENT structure BAL|Code postal structure BAL|Département structure BAL|Pays structure BAL";

const NAMES = HEADER.split('|');

export interface Box {
  readonly kind: string;
  readonly address: string;
  /** IdNat_PS, 12 digits; none of an organisation's. */
  readonly owner?: string;
}

export const lineOf = ({ kind, address, owner = '' }: Box) =>
  NAMES.map((_, at) => [kind, address, owner.slice(0, 1), owner.slice(1), owner][at] ?? '').join('|');

export function correspondenceOf(boxes: readonly Box[]): string {
  return [HEADER, ...boxes.map(lineOf), ''].join('\n');
}

/** So many mailboxes of people, whose numbers are those of the extract's people. */
export const crowd = (count: number): readonly Box[] =>
  Array.from({ length: count }, (_, n) => ({
    kind: 'PER',
    address: `p${n}@pro.example`,
    owner: `81${String(n).padStart(10, '0')}`,
  }));
