/**
 * Values in the delegation table that nothing could follow: a version or an id at the end of what can be counted, after which every write
 * fails; a writer who has left their name; settings that aren't the configuration's. None of them is fatal: they are put right, and said.
 */
import { sql } from 'kysely';
import { onPostgres } from '../store/dialect.ts';
import { LARGEST } from '../store/migrations/delegation-4.ts';
import { fact, setFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import type { Query } from '../store/table/delegation-types.ts';
import { applySettings, type RuleSettings } from '../store/table/rule-settings.ts';
import { ENTRY } from '../store/trail/sealing.ts';
import { lastVersionSeen, plausible } from './table-from-the-past.ts';

const COUNTED = ['mailboxes', 'delegates', 'delegations', 'events', 'delegate_states'];

interface Looked {
  readonly version: number | null;
  readonly pending: number;
  readonly sequences: number;
  readonly events: number;
  readonly writers: number;
}

/** What was put right, a sentence each; most often nothing, after one query. `settings`: those of the configuration. */
export async function mendValues(
  table: DelegationDb,
  state: StateDb,
  settings?: RuleSettings,
): Promise<readonly string[]> {
  const changed = settings === undefined ? [] : await applySettings(table, settings);
  const settled = changed.map((name) => `setting ${name} was not the configuration's`);
  const { rows } = await sql<Looked>`SELECT CAST((SELECT max(version) FROM counters) AS double precision) AS version,
    EXISTS (SELECT 1 FROM pending WHERE version > (SELECT max(version) FROM counters)) OR ${anyBeyond('pending', 'mailbox_id')} AS pending,
    EXISTS (${badSequences(table.query)}) AS sequences,
    ${anyBeyond('events', 'id')} AS events,
    (SELECT count(*) FROM writer) AS writers`.execute(table.query);
  const [found] = rows;
  if (found === undefined) return settled;
  const last = await lastVersionSeen(state);
  const badVersion = found.version === null || !plausible(found.version, last);
  if (!badVersion && found.pending + found.sequences + found.events + found.writers === 0) return settled;
  if (badVersion) await mendState(state, last);
  return table.write({ actor: 'mandat', vouches: false }, async (query) => {
    const mended = [...settled];
    if (found.writers > 0) mended.push('a name had been left in "writer"'); // gone with the beginning of this transaction
    if (badVersion) {
      await query.deleteFrom('counters').execute();
      await query
        .insertInto('counters')
        .values({ id: 1, version: last + 1 })
        .execute();
      mended.push(`the version of the table (${found.version ?? 'gone'}) was out of range`);
    }
    if (badVersion || found.pending > 0) {
      await sql`DELETE FROM pending WHERE mailbox_id NOT BETWEEN 1 AND ${LARGEST}`.execute(query);
      await sql`UPDATE pending SET version = (SELECT version FROM counters) WHERE version > (SELECT version FROM counters)`.execute(
        query,
      );
      if (found.pending > 0) mended.push('versions of pending mailboxes were out of range');
    }
    if (found.events > 0) {
      const those = await query
        .selectFrom('events')
        .select([...ENTRY, 'mac'])
        .where(outOfRange)
        .orderBy('id')
        .execute();
      await query.deleteFrom('events').where(outOfRange).execute();
      await mendSequences(query);
      for (const event of those) await query.insertInto('events').values(event).execute();
      mended.push(`ids of ${those.length} events were out of range`);
    } else if (found.sequences > 0) await mendSequences(query);
    if (found.sequences > 0) mended.push('the next ids were out of range');
    return mended;
  });
}

/** One search at each end; NOT BETWEEN would read them all. */
function anyBeyond(table: string, id: string) {
  const [from, column] = [sql.table(table), sql.ref(id)];
  return sql`(EXISTS (SELECT 1 FROM ${from} WHERE ${column} < 1) OR EXISTS (SELECT 1 FROM ${from} WHERE ${column} > ${LARGEST}))`;
}

const outOfRange = sql<boolean>`id NOT BETWEEN 1 AND ${LARGEST}`;

/** Tables whose next id is out of range. */
const badSequences = (query: DelegationDb['query'] | Query) =>
  onPostgres(query)
    ? sql<{
        name: string;
      }>`SELECT replace(sequencename, '_id_seq', '') AS name FROM pg_sequences WHERE schemaname = current_schema() AND last_value >= ${LARGEST}`
    : sql<{
        name: string;
      }>`SELECT name FROM sqlite_sequence WHERE typeof(seq) <> 'integer' OR seq NOT BETWEEN 0 AND ${LARGEST}`;

async function mendSequences(query: Query): Promise<void> {
  const { rows } = await badSequences(query).execute(query);
  for (const name of COUNTED.filter((one) => rows.some((row) => row.name === one))) {
    const last = sql`(SELECT COALESCE(max(id), 0) FROM ${sql.table(name)} WHERE id <= ${LARGEST})`;
    await (onPostgres(query)
      ? sql`SELECT setval(pg_get_serial_sequence(${name}, 'id'), ${last} + 1, false)`
      : sql`UPDATE sqlite_sequence SET seq = ${last} WHERE name = ${name}`
    ).execute(query);
  }
}

/** What was remembered of a version that can't be is no measure for those to come. */
async function mendState(state: StateDb, last: number): Promise<void> {
  await state.write(async (query) => {
    for (const column of ['in_force_version', 'verified_version', 'failed_version'] as const) {
      await query
        .updateTable('outcomes')
        .set({ [column]: last })
        .where(column, '>', last)
        .execute();
    }
    if (Number((await fact({ query }, 'version')) ?? 0) > last) await setFact({ query }, 'version', String(last));
  });
}
