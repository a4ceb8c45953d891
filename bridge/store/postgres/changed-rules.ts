/**
 * How the rules of the delegation table in PostgreSQL differ from the released ones, by its catalogues: functions and triggers are held against the
 * scripts that make them, tables by their columns. A view is another one where PostgreSQL would run it otherwise than the SELECT that we have, which
 * EXPLAIN tells: its own text of a view is another in each version. Whoever owns the schema can change all of it; this is for accidents, and for
 * programs that know no better.
 */
import { type Kysely, sql } from 'kysely';
import { DELEGATIONS } from '../databases.ts';
import { barred, type Difference, READ, WORKED_ON } from '../table/schema.ts';
import type { PostgresSettings } from './connection.ts';
import { refuseMovedStore } from './moved.ts';
import { type Made, releasedRules, triggerText } from './released-rules.ts';
import { TABLE_SCHEMA } from './schema-names.ts';
import { TABLE_MIGRATIONS } from './table-migrations.ts';

// biome-ignore lint/suspicious/noExplicitAny: of whichever tables
type Query = Kysely<any>;

interface There {
  readonly kind: Made['kind'] | 'rule';
  readonly name: string;
  readonly on: string;
  readonly text: string;
}

const SCHEMA = sql.raw(`'${TABLE_SCHEMA}'::regnamespace`);

/** Moves with whatever is changed in the catalogues about this schema. A few milliseconds at most. */
const fingerprint = sql<{
  readonly print: string | null;
}>`SELECT md5(string_agg(mark, ' ' ORDER BY mark)) AS print FROM (
  SELECT concat('p', oid, '.', xmin) AS mark FROM pg_proc WHERE pronamespace = ${SCHEMA}
  UNION ALL SELECT concat('c', oid, '.', xmin) FROM pg_class WHERE relnamespace = ${SCHEMA} AND relkind <> 'S'
  UNION ALL SELECT concat('t', t.oid, '.', t.xmin) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = ${SCHEMA}
  UNION ALL SELECT concat('r', r.oid, '.', r.xmin) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = ${SCHEMA}
  UNION ALL SELECT concat('a', a.attrelid, '.', a.attnum, '.', a.xmin) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = ${SCHEMA} AND c.relkind IN ('r', 'v')) AS marks`;

const catalogues = sql<There>`
  SELECT 'function' AS kind, p.proname::text AS name, '' AS on, concat_ws('|', p.provolatile, p.prosecdef::text::char,
    pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid), btrim(p.prosrc, E'\\n')
      || CASE WHEN p.proconfig::text = '{"search_path=mandat, pg_temp"}' AND l.lanname = 'plpgsql' THEN '' ELSE ' otherwise' END) AS text
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = ${SCHEMA}
  UNION ALL SELECT 'trigger', t.tgname::text, c.relname::text, pg_get_triggerdef(t.oid, true) || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' disabled' END
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = ${SCHEMA} AND NOT t.tgisinternal
  UNION ALL SELECT 'rule', r.rulename::text, c.relname::text, ''
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = ${SCHEMA} AND r.rulename <> '_RETURN'
  UNION ALL SELECT 'index', c.relname::text, t.relname::text, CASE WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid WHERE c.relnamespace = ${SCHEMA}
  UNION ALL SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, c.relname::text, c.relname::text, CASE c.relkind
    WHEN 'v' THEN (SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)
    WHEN 'r' THEN (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), CASE l.collname WHEN 'C' THEN 'C' ELSE '' END,
          a.attnotnull::text::char, a.attidentity::text || CASE WHEN a.atthasdef THEN 'd' ELSE '' END), ', ' ORDER BY a.attnum)
        FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
      || ', ' || COALESCE((SELECT string_agg(n.contype::text, '' ORDER BY n.contype) FROM pg_constraint n WHERE n.conrelid = c.oid AND n.contype NOT IN ('n', 't')), '')
      || CASE WHEN c.relrowsecurity OR EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhparent = c.oid) THEN ' otherwise' ELSE '' END
    ELSE 'otherwise' END
    FROM pg_class c WHERE c.relnamespace = ${SCHEMA} AND c.relkind NOT IN ('i', 'S', 'c', 't')`;

let model: readonly Made[] | undefined;

/** Fails `config` where nothing should be read; `place`: for people. */
export function rulesLook(place: string, settings: PostgresSettings) {
  let seen: string | undefined;
  let found: readonly Difference[] = [];
  const look = async (query: Query, again: boolean): Promise<readonly Difference[]> => {
    const { rows } = await fingerprint.execute(query);
    const print = rows[0]?.print ?? '';
    if (again || print !== seen) {
      await refuseMovedStore(query, settings, DELEGATIONS.what);
      found = await differencesIn(query);
      seen = print;
    }
    if (found.some(({ bars }) => bars)) throw barred(found, place);
    return found;
  };
  return { look };
}

export async function differencesIn(query: Query): Promise<readonly Difference[]> {
  model ??= releasedRules(TABLE_MIGRATIONS);
  const there = (await catalogues.execute(query)).rows;
  const keyOf = ({ kind, name, on }: There | Made) =>
    kind === 'trigger' ? `trigger ${name} ${on}` : `${kind} ${name}`;
  const known = new Map(there.map((one) => [keyOf(one), one]));
  const ours = new Map(model.map((one) => [keyOf(one), one]));
  const found: Difference[] = [];
  for (const mine of model) {
    const one =
      known.get(keyOf(mine)) ??
      there.find(({ kind, name }) => name === mine.name && isRelation(kind) && isRelation(mine.kind));
    if (one !== undefined && one.kind === mine.kind && (await isSame(query, mine, one))) continue;
    const how = one === undefined ? 'missing' : 'altered';
    found.push({ object: `${mine.kind} ${mine.name}`, how, bars: bars(mine, one) });
  }
  const names = new Set(model.map(({ name }) => name));
  for (const one of there) {
    const hangsOn = names.has(one.on) && ['trigger', 'rule'].includes(one.kind);
    const shadows =
      one.kind === 'function' &&
      there.some((other) => other !== one && other.kind === 'function' && other.name === one.name);
    if ((hangsOn && !ours.has(keyOf(one))) || (shadows && ours.get(keyOf(one))?.text !== one.text))
      found.push({ object: `${one.kind} ${one.name}`, how: 'not ours', bars: WORKED_ON.includes(one.on) || shadows });
  }
  return found;
}

const isRelation = (kind: There['kind']) => kind === 'table' || kind === 'view';

/** A trigger of others, or of ours with another text, runs in our own transactions where it stands on what each pass writes to. */
function bars(mine: Made, one: There | undefined): boolean {
  if (mine.kind === 'table') return true;
  if (mine.kind === 'view') return READ.includes(mine.name) || mine.name === 'writer' || one?.kind === 'table';
  if (one === undefined) return false;
  const called = (model ?? []).some(
    ({ kind, on, more }) => kind === 'trigger' && WORKED_ON.includes(on) && more === mine.name,
  );
  return mine.kind === 'function' ? called : WORKED_ON.includes(one.on);
}

async function isSame(query: Query, mine: Made, there: There): Promise<boolean> {
  if (mine.kind === 'trigger') return triggerText(there.text) === mine.text;
  if (mine.kind !== 'view') return there.text === mine.text;
  if (there.text !== mine.more) return false;
  const run = async (from: string) => {
    const { rows } = await sql<
      Record<string, string>
    >`EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM ${sql.raw(from)}`.execute(query);
    return rows.map((row) => Object.values(row)[0]).join('\n');
  };
  const named = `(${mine.text}) AS ${mine.name} (${mine.more})`;
  return (await run(`${TABLE_SCHEMA}.${mine.name}`)) === (await run(named));
}
