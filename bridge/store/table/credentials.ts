/** When delegates' credentials lapse, as the identity provider has it. R8, R14. */
import { Failure } from '../../shared/failure.ts';
import { credentialsOf } from './delegates.ts';
import type { DelegationDb, Writer } from './delegation-db.ts';
import { mustStand } from './undone-writes.ts';

export interface CredentialRow {
  readonly identifier: string;
  readonly credentialValidUntil: string | null;
}

export interface CredentialDifference extends CredentialRow {
  readonly before: string | null;
}

/**
 * Credentials as the identity provider has them, in one transaction: all or nothing. Returns what differs from the table; `dryRun`
 * changes nothing. Fails `absent` naming whoever is unknown. R14.
 */
export async function setCredentials(
  db: DelegationDb,
  writer: Writer,
  rows: readonly CredentialRow[],
  dryRun: boolean,
): Promise<readonly CredentialDifference[]> {
  const there = await credentialsOf(
    db,
    rows.map(({ identifier }) => identifier),
  );
  const unknown = rows.filter(({ identifier }) => !there.has(identifier));
  if (unknown.length > 0) {
    const names = unknown.slice(0, 5).map(({ identifier }) => identifier);
    throw new Failure(
      'absent',
      `no such delegate: ${names.join(', ')}${unknown.length > names.length ? `, and ${unknown.length - names.length} more` : ''}; nothing was written`,
      'take them out of the file, or add them with "mandat delegate add"',
      { rule: 'MANDAT_UNKNOWN_DELEGATE' },
    );
  }
  const differences = rows
    .map((row) => ({ ...row, before: there.get(row.identifier) ?? null }))
    .filter(({ before, credentialValidUntil }) => before !== credentialValidUntil);
  if (dryRun || differences.length === 0) return differences;
  await db.write(writer, async (query) => {
    for (const { identifier, credentialValidUntil } of differences) {
      await query
        .updateTable('delegates')
        .set({ credential_valid_until: credentialValidUntil })
        .where('identifier', '=', identifier)
        .execute();
      const written = { credential_valid_until: credentialValidUntil };
      await mustStand(query, { table: 'delegates', column: 'identifier', value: identifier }, written);
    }
  });
  return differences;
}
