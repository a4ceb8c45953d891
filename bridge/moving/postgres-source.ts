/** A store in PostgreSQL that is left for files: read in one transaction's view, and at the end closed to everybody in one transaction. */
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../shared/failure.ts';
import { movedFailure } from '../store/files/moved.ts';
import { type PostgresSettings, postgresClient } from '../store/postgres/connection.ts';
import { explainedPostgres, isPassing } from '../store/postgres/failures.ts';
import { markingMoved } from '../store/postgres/moved.ts';
import { postgresDifferences } from '../store/postgres/rule-repair.ts';
import { STATE_SCHEMA, TABLE_SCHEMA } from '../store/postgres/schema-names.ts';
import { CHANNEL } from '../store/postgres/table-1/common.ts';
import { describeDifferences, REPAIR_RULES } from '../store/table/schema.ts';
import type { From } from './ends.ts';
import { postgresSource, tablesThere } from './in-postgres.ts';
import { refuseOthers, type Staying } from './others-of-site.ts';
import type { Room } from './tables.ts';

const SCHEMAS = { table: TABLE_SCHEMA, state: STATE_SCHEMA };
const WHAT = 'the delegation table';

/** All may have changed: PostgreSQL says of no table that it hasn't. */
const ALL: ReadonlySet<Room> = new Set(['table', 'state', 'submissions']);

/** How long a writer is waited for, and how often those that stop one another begin anew. */
const PATIENCE_MS = 30_000;
const ATTEMPTS = 5;

/** `to`: as it will be told to whoever still writes. Fails `config` where it is of another version, has moved elsewhere, or has changed rules. */
export async function postgresFrom(
  settings: PostgresSettings,
  to: string,
  now: () => string,
  staying: Staying,
): Promise<From> {
  const client = await postgresClient(settings, { schemas: [TABLE_SCHEMA], patienceMs: PATIENCE_MS });
  const explaining = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw explainedPostgres(error, settings, WHAT);
    }
  };
  client.on('error', () => {}); // the statement in hand says so
  const inTransaction = async <T>(begin: string, work: () => Promise<T>): Promise<T> => {
    await client.query(begin);
    try {
      const done = await work();
      await client.query('COMMIT');
      return done;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    }
  };
  return explaining(async () => {
    await client.connect();
    try {
      const closed = await movedBefore();
      if (!closed) await refuseChangedRules(settings);
      if (!closed) await refuseOthers(client, staying);
      const tables = await tablesThere(client, SCHEMAS);
      const locked = tables.map(({ at }) => at).join(', ');
      const source = postgresSource(client, SCHEMAS);
      return {
        shown: settings.shown,
        closed,
        tables,
        snapshot: (work) =>
          explaining(() => inTransaction('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', () => work(source, ALL))),
        close: (work) =>
          explaining(async () => {
            for (let attempt = 1; ; attempt++) {
              let begun = false;
              try {
                return await inTransaction('BEGIN', async () => {
                  // In the order in which writers take them (schema-names.ts).
                  await client.query(`SELECT 1 FROM ${TABLE_SCHEMA}.counters WHERE id = 1 FOR UPDATE`);
                  await client.query(`LOCK TABLE ${locked} IN SHARE ROW EXCLUSIVE MODE`);
                  begun = true;
                  if (!closed) await refuseOthers(client, staying); // whoever has come since it began
                  const done = await work(source, ALL);
                  if (!closed) {
                    const names = tables.map(({ at }) => at.replaceAll('"', '').split('.') as [string, string]);
                    for (const statement of markingMoved(names, to, now())) await client.query(statement);
                  }
                  await client.query(`SELECT pg_notify('${CHANNEL}', '')`);
                  return done;
                });
              } catch (error) {
                if (begun || attempt === ATTEMPTS || !isPassing(error)) throw error;
                await delay(100 * attempt);
              }
            }
          }),
        end: () => client.end(),
      };
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
  });

  /** To the same place. */
  async function movedBefore(): Promise<boolean> {
    const mark = `${TABLE_SCHEMA}.moved`;
    const { rows } = await client.query<{ moved: number }>('SELECT to_regclass($1) IS NOT NULL AS moved', [mark]);
    if (rows[0]?.moved !== 1) return false;
    const marks = await client.query<{ destination: string }>(`SELECT destination FROM ${mark}`);
    const there = marks.rows[0]?.destination ?? '';
    if (there !== to) throw movedFailure(WHAT, settings.shown, there);
    return true;
  }
}

async function refuseChangedRules(settings: PostgresSettings): Promise<void> {
  const changed = await postgresDifferences(settings);
  if (changed.length === 0) return;
  throw new Failure(
    'config',
    `${WHAT} (${settings.shown}) is not moved as long as its rules are others than the released ones: ${describeDifferences(changed)}`,
    REPAIR_RULES,
    { rule: 'MANDAT_SCHEMA' },
  );
}
