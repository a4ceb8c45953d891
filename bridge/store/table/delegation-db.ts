/**
 * The delegation table as this program opens it: whole operations that return promises. Here is delegation.db, by one connection; the same in a
 * site's PostgreSQL is postgres/table-db.ts. A rule that the database's triggers refuse comes out as a Failure `refused` with the rule's stable name.
 */
import { Kysely, type Transaction } from 'kysely';
import { Failure } from '../../shared/failure.ts';
import { DELEGATIONS } from '../databases.ts';
import { dataVersionOf, patientDialect, waitsForNobody } from '../files/busy.ts';
import { keptStatements, stampOf } from '../files/kept-statements.ts';
import { explained, type OpenOptions, open } from '../files/open.ts';
import { MAIN_SERVER } from '../main-server.ts';
import type { DelegationDatabase } from './delegation-types.ts';
import { type Difference, type GuardedDatabase, guardSchema } from './schema.ts';
import { lastEvent, vouchFor } from './vouched-events.ts';

/** Who writes and why; the triggers put it into the audit events. */
export interface Writer {
  readonly actor: string;
  readonly reason?: string | undefined;
  /** At whose keyboard, where that isn't the actor themselves. */
  readonly via?: string | undefined;
  /** The version of the responsibility text that was acknowledged (R23). */
  readonly acknowledged?: string | undefined;
  /** False: what is noted in this transaction is somebody else's word. */
  readonly vouches?: boolean;
}

export interface DelegationDb {
  /** For people: the file, or where in PostgreSQL. */
  readonly file: string;
  /** Whose mailboxes are meant where nothing else is said: `[server] name`. */
  readonly server: string;
  readonly query: Kysely<DelegationDatabase>;
  /** Changes whenever another connection has committed: PRAGMA data_version, 2 microseconds. In PostgreSQL it is another each time: nothing read counts as current. */
  dataVersion(): number;
  /** The same as long as nothing was written by anybody ({@link whileUnchanged}); missing where that can't be told. */
  readonly stamp?: () => string;
  /** How its rules differ from the released ones: it is obeyed only where it takes access away then. Fails `config` where it can't be read at all. */
  differences(): Promise<readonly Difference[]>;
  /** The same, looking also where the number of the schema was set back. */
  lookAgain(): Promise<readonly Difference[]>;
  /** One read-only view of several tables. `work` may be called anew, as below. */
  read<T>(work: (query: Transaction<DelegationDatabase>) => Promise<T>): Promise<T>;
  /**
   * One write transaction on behalf of somebody, by one writer at a time; all or nothing. `work` may be called anew, where others' transactions
   * were in its way: it begins with nothing from before.
   */
  write<T>(writer: Writer, work: (query: Transaction<DelegationDatabase>) => Promise<T>): Promise<T>;
  /** Notes on this machine how far it has come, before that is obeyed: an older one is known by it. Undefined where it is a file. */
  readonly saw?: ((version: number) => void) | undefined;
  close(): Promise<void>;
}

export interface TableOptions extends OpenOptions {
  /** Of the seals: what is noted in a writer's name is vouched for with it (vouched-events.ts). */
  readonly key?: Buffer | undefined;
}

export function openDelegationDb(file: string, options: TableOptions = {}): DelegationDb {
  const database = open(file, DELEGATIONS, options);
  const guarded = guardedTable(database, file);
  waitsForNobody(database);
  const kept = keptStatements(guarded.database);
  const query = new Kysely<DelegationDatabase>({ dialect: patientDialect(kept.database, options.patienceMs) });
  const dataVersion = dataVersionOf(database);
  return {
    file,
    server: options.server ?? MAIN_SERVER,
    query,
    dataVersion,
    stamp: stampOf(kept, dataVersion),
    differences: async () => guarded.differences(),
    lookAgain: async () => guarded.lookAgain(),
    read: (work) => explaining(file, () => query.transaction().setAccessMode('read only').execute(work)),
    write: (writer, work) =>
      explaining(file, () =>
        query
          .transaction()
          .execute((transaction) =>
            inNameOf(transaction, writer, work, guarded.differences().length === 0 ? options.key : undefined),
          ),
      ),
    close: async () => {
      await query.destroy();
      database.close(); // which one that was never asked anything leaves open
    },
  };
}

/** For the few that prepare statements of their own. Refuses, and closes, what must not be read. */
export function guardedTable(database: ReturnType<typeof open>, file: string): GuardedDatabase {
  const { migrations, schema = '' } = DELEGATIONS;
  const guarded = guardSchema(database, file, { migrations, schema });
  try {
    guarded.differences();
    return guarded;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The writer's name stands in the table while their transaction runs; what an earlier one has left there is nobody's. `key`: to vouch with. */
export async function inNameOf<T>(
  transaction: Transaction<DelegationDatabase>,
  writer: Writer,
  work: (query: Transaction<DelegationDatabase>) => Promise<T>,
  key: Buffer | undefined,
): Promise<T> {
  await transaction.deleteFrom('writer').execute();
  const vouches = key !== undefined && writer.vouches !== false;
  const last = vouches ? await lastEvent(transaction) : 0;
  await transaction
    .insertInto('writer')
    .values({
      id: 1,
      actor: writer.actor,
      reason: writer.reason ?? null,
      via: writer.via ?? null,
      acknowledged: writer.acknowledged ?? null,
    })
    .execute();
  const result = await work(transaction);
  if (vouches) await vouchFor(transaction, key, writer.actor, last);
  await transaction.deleteFrom('writer').execute();
  return result;
}

async function explaining<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refusal(error) ?? explained(error, file, DELEGATIONS.what);
  }
}

const UNKNOWN = /^MANDAT_UNKNOWN_/;

/** `MANDAT_LIMIT: this mailbox has ...` as raised by a trigger. */
export function refusal(error: unknown): Failure | undefined {
  const match = error instanceof Error ? /^(MANDAT_[A-Z_]+): (.*)$/s.exec(error.message) : null;
  if (match === null || match[1] === 'MANDAT_MOVED') return undefined; // no rule: all of it is elsewhere
  const [, rule = '', sentence = ''] = match;
  return new Failure(UNKNOWN.test(rule) ? 'absent' : 'refused', sentence, '', { cause: error, rule });
}
