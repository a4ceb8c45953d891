/** Many delegations in one transaction: each row is tried against every rule before any of them counts. */
import { sql } from 'kysely';
import { type Failure, failureOf } from '../../shared/failure.ts';
import { type DelegationDb, refusal, type Writer } from './delegation-db.ts';
import type { Query } from './delegation-types.ts';
import { deleteDelegation, type GrantTerms, insertDelegation, named, type Written } from './delegations.ts';

export interface BulkRow extends GrantTerms {
  /** Where it stands in the file, from 1. */
  readonly line: number;
  readonly mailbox: string;
  readonly delegate: string;
}

export interface BulkReport {
  /** One a mailbox: the last write that concerns it. Empty when nothing was saved. */
  readonly written: readonly Written[];
  readonly saved: readonly BulkRow[];
  readonly refused: readonly { readonly row: BulkRow; readonly failure: Failure }[];
}

/** With `atomic`, one refusal means that nothing is saved. */
export async function changeMany(
  db: DelegationDb,
  writer: Writer,
  verb: 'grant' | 'revoke',
  rows: readonly BulkRow[],
  atomic: boolean,
): Promise<BulkReport> {
  try {
    return await db.write(writer, async (query) => {
      const refused: { row: BulkRow; failure: Failure }[] = [];
      const saved: BulkRow[] = [];
      const written = new Map<number, Written>();
      for (const row of rows) {
        const result = await attempt(query, verb, row);
        if ('failure' in result) refused.push({ row, failure: result.failure });
        else {
          saved.push(row);
          written.set(result.mailboxId, result);
        }
      }
      if (atomic && refused.length > 0) throw new RolledBack(refused);
      return { written: [...written.values()], saved, refused };
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
    return { written: [], saved: [], refused: error.refused };
  }
}

class RolledBack extends Error {
  readonly refused: BulkReport['refused'];

  constructor(refused: BulkReport['refused']) {
    super('nothing was saved');
    this.refused = refused;
  }
}

async function attempt(query: Query, verb: 'grant' | 'revoke', row: BulkRow): Promise<Written | { failure: Failure }> {
  const { mailbox, delegate } = row;
  await sql`SAVEPOINT bulk`.execute(query);
  try {
    const done =
      verb === 'grant'
        ? await insertDelegation(query, mailbox, delegate, row)
        : await deleteDelegation(query, mailbox, delegate);
    await sql`RELEASE bulk`.execute(query);
    return done;
  } catch (error) {
    const failure = failureOf(named(refusal(error) ?? error, mailbox, delegate));
    if (failure.code === 'internal') throw error;
    await sql`ROLLBACK TO bulk`.execute(query);
    await sql`RELEASE bulk`.execute(query);
    return { failure };
  }
}
