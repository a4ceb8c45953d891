/**
 * Whether a database is this site's. It keeps a digest of the key that its audit trail is sealed with, and each machine of a site has that key. Where this
 * machine has lost it, the table's epoch tells, if it was noted here before (last-seen.ts). Of another site's nothing is shown, obeyed or written.
 */
import type { ClientBase } from 'pg';
import { Failure } from '../../shared/failure.ts';
import type { DataFiles } from '../files/data-files.ts';
import { digestOf, existingSealKey, otherSealKey } from '../trail/sealing.ts';
import type { LastSeen } from './last-seen.ts';
import { STATE_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';

export interface Marks {
  /** Digest of its key; null where nothing was ever sealed there. */
  readonly key: string | null;
  readonly epoch: string | null;
}

export const MARKS = `(SELECT value FROM ${STATE_SCHEMA}.facts WHERE name = 'seal-key') AS key,
  (SELECT value FROM ${TABLE_SCHEMA}.settings WHERE name = 'epoch') AS epoch`;

/** invalid_schema_name, undefined_table, undefined_column: whoever asks next says it better. */
const NOT_MADE = ['3F000', '42P01', '42703'];

/** Undefined where there is nothing of mandat's, or nothing of this version. */
export async function ifMade<R extends object>(
  client: Pick<ClientBase, 'query'>,
  query: string,
  values: readonly unknown[] = [],
): Promise<R | undefined> {
  try {
    return (await client.query<R>(query, [...values])).rows[0];
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOT_MADE.includes(String(error.code))) return undefined;
    throw error;
  }
}

export type KeptKey = Buffer | 'lost' | 'not for this user';

export function keptKey(file: string): KeptKey {
  try {
    return existingSealKey(file);
  } catch (error) {
    const cause = error instanceof Failure ? error.cause : error;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    return code === 'EACCES' || code === 'EPERM' ? 'not for this user' : 'lost';
  }
}

/** Throws `config`. `renews`: the key is being exchanged for another one, and may be of either side. */
export function refuseOthers(
  place: string,
  marks: Marks,
  kept: KeptKey,
  before: LastSeen | undefined,
  { sealKey }: Pick<DataFiles, 'sealKey'>,
  renews: boolean,
): void {
  if (marks.key === null) return;
  if (kept === 'not for this user') throw cannotTell(place, sealKey);
  if (kept !== 'lost' && marks.key === digestOf(kept)) return;
  const isLastSeen = before?.epoch === marks.epoch;
  if (kept !== 'lost' && !(renews && isLastSeen)) throw otherSealKey(sealKey, place);
  if (before !== undefined && !isLastSeen) throw otherTable(place, sealKey);
}

const cannotTell = (place: string, sealKey: string) =>
  new Failure(
    'config',
    `whose ${place} is, this user can't tell: they may not read ${sealKey}, by which it is known. Nothing of it is shown`,
    'use mandat as root, or as the owner of the data',
    { rule: 'MANDAT_SEAL_KEY' },
  );

const otherTable = (place: string, sealKey: string) =>
  new Failure(
    'config',
    `${place} is not the one last seen from here, and ${sealKey} is gone, which would tell whether it is this site's: nothing of it is shown, obeyed or written`,
    'see where "database" leads; if it is this site\'s, put seal.key and seal.head back, from the backup or the private directory of another of its machines',
    { rule: 'MANDAT_SEAL_KEY' },
  );
