/** What the delegation table in PostgreSQL is made of, by the very scripts that make it: in words that its catalogues can be held against. */
import type { TableMigration } from './table-migrations.ts';

/** `text`: what must be the same; of a view it is its SELECT. */
export interface Made {
  readonly kind: 'table' | 'index' | 'view' | 'function' | 'trigger';
  readonly name: string;
  /** Of a trigger: the table or view that it stands on. */
  readonly on: string;
  readonly text: string;
  /** Of a trigger: which function it calls. Of a view: its columns. */
  readonly more?: string;
}

const FUNCTION =
  /^CREATE OR REPLACE FUNCTION (\w+)\(([^)]*)\) RETURNS (\w+) LANGUAGE plpgsql (\w+)( SECURITY DEFINER)? SET search_path = mandat, pg_temp AS \$rule\$\n([\s\S]*?)\n\$rule\$;$/gm;
const TRIGGER =
  /^CREATE OR REPLACE TRIGGER (\w+) [A-Z ]+(?: OF \w+)? ON (\w+) FOR EACH [^;]*EXECUTE FUNCTION (\w+)\(\);$/gm;
const VIEW = /^CREATE OR REPLACE VIEW (\w+) \(([^)]*)\) AS\s+([^;]*);$/gm;
const TABLE = /^CREATE TABLE (\w+) \(([\s\S]*?)\);$/gm;
const INDEX = /^CREATE INDEX (\w+) ON (\w+) [^;]*;$/gm;

/** A later version's takes the place of an earlier one of the same name. */
export function releasedRules(migrations: readonly TableMigration[]): readonly Made[] {
  const tables = migrations.map((one) => one.tables).join('\n');
  const rules = migrations.map((one) => one.rules).join('\n');
  const made = [
    ...[...tables.matchAll(TABLE)].map(
      ([, name = '', body = '']): Made => ({ kind: 'table', name, on: name, text: tableText(body) }),
    ),
    ...[...tables.matchAll(INDEX)].map(([, name = '', on = '']): Made => ({ kind: 'index', name, on, text: 'valid' })),
    ...[...rules.matchAll(FUNCTION)].map(
      ([, name = '', args = '', result = '', kind = '', definer, body = '']): Made => ({
        kind: 'function',
        name,
        on: '',
        text: [kind[0]?.toLowerCase(), definer === undefined ? 'f' : 't', args, result, body].join('|'),
      }),
    ),
    ...[...rules.matchAll(VIEW)].map(
      ([, name = '', columns = '', text = '']): Made => ({ kind: 'view', name, on: name, text, more: columns }),
    ),
    ...[...rules.matchAll(TRIGGER)].map(
      ([all = '', name = '', on = '', more = '']): Made => ({
        kind: 'trigger',
        name,
        on,
        text: triggerText(all),
        more,
      }),
    ),
  ];
  return [...new Map(made.map((one) => [`${one.kind} ${one.name}`, one])).values()];
}

/** As it is written, or as pg_get_triggerdef writes it. */
export function triggerText(definition: string): string {
  return definition
    .replace(/;$/, '')
    .replace('CREATE OR REPLACE', 'CREATE')
    .replaceAll(/[()]|\bmandat\./g, '')
    .replaceAll(/\b(?:NEW|OLD)\b/g, (name) => name.toLowerCase())
    .replaceAll(/\s+/g, ' ');
}

/** Its columns, then which constraints it has: c(heck), p(rimary key), u(nique). */
function tableText(body: string): string {
  const parts = body.split(/,(?![^(]*\))/).map((part) => part.trim().replaceAll(/\s+/g, ' '));
  const columns = parts.flatMap((part) => {
    const [, name, type, octets] = /^(\w+) (bigint|integer|text)( COLLATE "C")?/.exec(part) ?? [];
    if (name === undefined) return [];
    const filled = /NOT NULL|PRIMARY KEY/.test(part) || new RegExp(`PRIMARY KEY \\([^)]*\\b${name}\\b`).test(body);
    return [
      [name, type, octets === undefined ? '' : 'C', filled ? 't' : 'f', /GENERATED ALWAYS/.test(part) ? 'a' : ''].join(
        ' ',
      ),
    ];
  });
  const kinds = { CHECK: 'c', 'PRIMARY KEY': 'p', UNIQUE: 'u' };
  const constraints = Object.entries(kinds).flatMap(([words, kind]) =>
    [...body.matchAll(new RegExp(`\\b${words}\\b`, 'g'))].map(() => kind),
  );
  return [...columns, constraints.sort().join('')].join(', ');
}
