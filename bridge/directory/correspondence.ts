/**
 * The published addresses of MSSanté (Extraction_Correspondance_MSSante): which address is whose, and of what kind it is. Mailboxes that asked
 * not to be published are not in it. R2, R41.
 */

import type Database from 'better-sqlite3';
import type { Instant } from '../../acl/delegation-facts.ts';
import { punycode } from '../shared/domain-name.ts';
import type { MailboxKind } from '../store/table/delegation-types.ts';
import { normalised, placesOf } from './column-names.ts';
import { type GenerationKind, nextGeneration, openGeneration } from './generation.ts';
import { batchesOf } from './lines.ts';
import {
  factsOf,
  type OnProgress,
  type ReadLine,
  refuseEmpty,
  refuseShrunk,
  type Taken,
  takeLines,
  valuesOf,
  writeFacts,
} from './published-lines.ts';
import { openSource } from './source.ts';

/** An address as it is published; several lines may name the same. */
export interface PublishedMailbox {
  readonly kind: MailboxKind;
  /** IdNat_PS of the person whose it is; null of an organisation's, and where it is no RPPS identity. */
  readonly owner: string | null;
}

export const BOXES: GenerationKind = {
  what: 'the list of MSSanté addresses',
  prefix: 'correspondence',
  applicationId: 0x6d616e34, // "man4"
  version: 1,
  schema: `
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
-- owner: IdNat_PS as a number, 0 for none.
CREATE TABLE boxes (address TEXT NOT NULL, kind TEXT NOT NULL, owner INTEGER NOT NULL, PRIMARY KEY (address, kind, owner)) STRICT, WITHOUT ROWID;
`,
  indexes: '',
};

const COLUMNS = {
  kind: 'type de bal',
  address: 'adresse bal',
  type: 'type identifiant pp',
  number: 'identifiant pp',
  identifier: 'identification nationale pp',
} as const;

/** Whether a file is this one, by its first line. Fails `config` for what can't be read. */
export async function isCorrespondence(file: string): Promise<boolean> {
  const source = await openSource(file);
  try {
    for await (const { lines } of batchesOf(source)) {
      const names = (lines[0] ?? '')
        .replace(/^\ufeff/, '')
        .split('|')
        .map(normalised);
      return names.includes(COLUMNS.kind) || names.includes(COLUMNS.address);
    }
    return false;
  } finally {
    source.stream.destroy();
    await source.close();
  }
}

const KINDS: readonly string[] = ['PER', 'ORG', 'APP', 'CAB'] satisfies readonly MailboxKind[];

export type PublishedLine = PublishedMailbox & { readonly address: string };

/** Reads lines by the header that stands above them. Fails `config` naming the columns that it lacks. */
export function correspondenceReader(header: string, file: string): ReadLine<PublishedLine> {
  const names = header.replace(/^\ufeff/, '').split('|');
  const at = placesOf(names, COLUMNS, [], file);
  return (line) => {
    const values = valuesOf(line, names);
    if ('why' in values) return values;
    const value = (place: number) => (values[place] ?? '').trim();
    const kind = value(at.kind);
    if (!KINDS.includes(kind)) return { why: `a mailbox of the type ${kind || 'empty'}, not ${KINDS.join(', ')}` };
    const address = folded(value(at.address));
    if (address === undefined) return { why: `no address: ${value(at.address) || 'empty'}` };
    const identifier = value(at.identifier);
    const known = value(at.type) === '8' && /^8\d{11}$/.test(identifier) && identifier === `8${value(at.number)}`;
    return { address, kind: kind as MailboxKind, owner: kind === 'PER' && known ? identifier : null };
  };
}

/** As the table has addresses: lower case, the domain as punycode. */
function folded(address: string): string | undefined {
  const [, local = '', domain = ''] = /^([^\s@]+)@([^\s@]+)$/.exec(address) ?? [];
  const ascii = punycode(domain);
  return local === '' || ascii === '' ? undefined : `${local.toLowerCase()}@${ascii}`;
}

export interface CorrespondenceReport extends Taken {
  readonly source: string;
  readonly addresses: number;
  readonly before: { readonly lines: number } | undefined;
}

/** Takes a published list over as the next generation; whatever is wrong with it, the old one stays. */
export async function importCorrespondence(
  directory: string,
  file: string,
  options: {
    readonly maxShrinkPercent: number;
    readonly now: Instant;
    readonly onProgress?: OnProgress | undefined;
  },
): Promise<CorrespondenceReport> {
  const source = await openSource(file);
  try {
    const facts = factsOf(directory, BOXES);
    const before = facts && { lines: Number(facts.lines) };
    let report: CorrespondenceReport | undefined;
    await nextGeneration(directory, BOXES, async (database) => {
      const reader = (header: string) => correspondenceReader(header, file);
      const taken = await takeLines(source, file, reader, writer(database), options.onProgress);
      const addresses = database.prepare('SELECT count(DISTINCT address) FROM boxes').pluck().get() as number;
      refuseEmpty(taken, file, BOXES, "a mailbox's");
      refuseShrunk(taken, before?.lines, file, BOXES, options.maxShrinkPercent);
      writeFacts(database, { source: source.name, lines: taken.lines, addresses }, options.now);
      report = { source: source.name, ...taken, addresses, before };
    });
    if (report === undefined) throw new Error('an import without a report');
    return report;
  } finally {
    source.stream.destroy();
    await source.close();
  }
}

function writer(database: Database.Database): (line: PublishedLine) => void {
  const insert = database.prepare('INSERT OR IGNORE INTO boxes (address, kind, owner) VALUES (?, ?, ?)');
  return ({ address, kind, owner }) => void insert.run(address, kind, owner === null ? 0 : Number(owner));
}

export interface CorrespondenceStatus {
  readonly source: string;
  readonly lines: number;
  readonly addresses: number;
  readonly imported: Instant;
}

/** Undefined before the first import. */
export function correspondenceStatus(directory: string): CorrespondenceStatus | undefined {
  const facts = factsOf(directory, BOXES);
  if (facts === undefined) return undefined;
  const { source = '', lines, addresses, imported = '' } = facts;
  return { source, lines: Number(lines), addresses: Number(addresses), imported };
}

/**
 * What is published of addresses, each as {@link PublishedMailbox}: none of one that isn't published. Undefined before the first import,
 * when nothing can be said.
 */
export function publishedMailboxes(
  directory: string,
  addresses: readonly string[],
): ReadonlyMap<string, readonly PublishedMailbox[]> | undefined {
  const database = openGeneration(directory, BOXES);
  if (database === undefined) return undefined;
  try {
    const find = database.prepare<[string], { kind: MailboxKind; owner: number }>(
      'SELECT kind, owner FROM boxes WHERE address = ?',
    );
    const shaped = ({ kind, owner }: { kind: MailboxKind; owner: number }) => ({
      kind,
      owner: owner === 0 ? null : String(owner),
    });
    return new Map(addresses.map((address) => [address, find.all(address).map(shaped)]));
  } finally {
    database.close();
  }
}

/** Whether an address, in lower case, is published as one of MSSanté; false as long as no list has been imported. R41 */
export function isCorrespondenceAddress(directory: string, address: string): boolean {
  return (publishedMailboxes(directory, [address])?.get(address) ?? []).length > 0;
}
