/**
 * The mark of a store in PostgreSQL whose rows have been brought into files (`mandat database copy --to files`): from then on nobody writes to it, and
 * this program no longer opens it. And of one that is being made by such a copy: until it is whole it has other names, under which nobody looks for it.
 */
import { type Kysely, sql } from 'kysely';
import { Failure } from '../../shared/failure.ts';
import { movedFailure, movedSentence } from '../files/moved.ts';
import type { PostgresSettings } from './connection.ts';
import { STATE_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';

/** Of a copy that isn't whole yet: they get their names in one transaction, at its end. */
export const DRAFT = { table: `${TABLE_SCHEMA}_copying`, state: `${STATE_SCHEMA}_copying` } as const;

const MARK = `${TABLE_SCHEMA}.moved`;

// biome-ignore lint/suspicious/noExplicitAny: of whichever tables
type Query = Kysely<any>;

/** Fails `config` where the store there has moved, or is half of one. One question, two where it has. */
export async function refuseMovedStore(query: Query, { shown }: PostgresSettings, what: string): Promise<void> {
  const { rows } = await sql<
    Record<'moved' | 'made' | 'draft', number>
  >`SELECT to_regclass(${MARK}) IS NOT NULL AS moved,
    to_regclass(${`${TABLE_SCHEMA}.schema_version`}) IS NOT NULL AS made, to_regnamespace(${DRAFT.state}) IS NOT NULL AS draft`.execute(
    query,
  );
  const { moved, made, draft } = rows[0] ?? {};
  if (moved === 1) {
    const { rows: marks } = await sql<{
      readonly destination: string;
    }>`SELECT destination FROM ${sql.raw(MARK)}`.execute(query);
    throw movedFailure(what, shown, marks[0]?.destination ?? 'files');
  }
  if (made !== 1 && draft === 1) throw halfCopied(shown);
}

export function halfCopied(shown: string): Failure {
  return new Failure(
    'config',
    `a copy into ${shown} was begun and not ended: what is there is not whole, and nobody works with it`,
    '"mandat database copy" again, with the same --to: it goes on from there',
    { rule: 'MANDAT_HALF_COPIED' },
  );
}

/** Statements, in a transaction with all tables locked. `names`: schema and table. */
export function markingMoved(names: readonly (readonly [string, string])[], to: string, at: string): readonly string[] {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  return [
    `CREATE TABLE ${MARK} (destination text NOT NULL, at text NOT NULL)`,
    `INSERT INTO ${MARK} VALUES (${text(to)}, ${text(at)})`,
    `CREATE FUNCTION ${TABLE_SCHEMA}.refuse_moved() RETURNS trigger LANGUAGE plpgsql AS $rule$
BEGIN RAISE EXCEPTION USING MESSAGE = ${text(movedSentence(to))}; END
$rule$`,
    // Their name is the first in the order in which triggers are called.
    ...names.map(
      ([schema, name]) =>
        `CREATE TRIGGER _moved BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${schema}.${name} FOR EACH STATEMENT EXECUTE FUNCTION ${TABLE_SCHEMA}.refuse_moved()`,
    ),
  ];
}
