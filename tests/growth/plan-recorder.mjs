/**
 * Loaded into a process of mandat before anything else (node --import): notes each statement that it prepares, on which database, how SQLite runs
 * it, and the most rows that one call of it brought. Written to the file that MANDAT_PLANS names, a line of JSON each, when the process ends.
 */
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const Database = createRequire(import.meta.url)('better-sqlite3');
const { prepare } = Database.prototype;
const seen = new Map();
const READS_OR_WRITES = /^\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b/i;

/** EXPLAIN wants its parameters too: as many as there are question marks, but for those in texts and names, or those that are named. */
function explained(database, sql) {
  const statement = prepare.call(database, sql);
  const named = Object.fromEntries([...sql.matchAll(/[@:$](\w+)/g)].map(([, name]) => [name, null]));
  for (let count = sql.split('?').length - 1; count >= 0; count--) {
    try {
      return statement.all(...Array(count).fill(null), named);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return [];
}

/** What its triggers walk through from one end to the other (EXPLAIN QUERY PLAN leaves them out): the tables' names. */
function walked(database, sql) {
  const roots = new Map(
    prepare
      .call(database, 'SELECT rootpage, tbl_name FROM sqlite_schema WHERE rootpage > 0')
      .all()
      .map(({ rootpage, tbl_name }) => [rootpage, tbl_name]),
  );
  const programs = [];
  for (const operation of explained(database, `EXPLAIN ${sql}`)) {
    if (operation.opcode === 'Init') programs.push([]);
    programs.at(-1)?.push(operation);
  }
  return programs.slice(1).flatMap((program) => {
    const of = (...opcodes) => program.filter(({ opcode }) => opcodes.includes(opcode));
    const cursors = new Map(of('OpenRead', 'OpenWrite').map(({ p1, p2 }) => [p1, roots.get(p2)]));
    const stepped = new Set(of('Next', 'Prev').map(({ p1 }) => p1));
    return of('Rewind', 'Last').flatMap(({ p1 }) => (stepped.has(p1) ? (cursors.get(p1) ?? []) : []));
  });
}

Database.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql);
  if (!READS_OR_WRITES.test(sql)) return statement;
  const key = `${this.name} ${sql.replaceAll(/\?(?:, \?)+/g, '?, ...')}`;
  let noted = seen.get(key);
  if (noted === undefined) {
    const plan = explained(this, `EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail);
    noted = { file: path.basename(this.name), sql, plan, walked: walked(this, sql), mostRows: 0 };
    seen.set(key, noted);
  }
  const all = statement.all.bind(statement);
  statement.all = (...values) => {
    const rows = all(...values);
    noted.mostRows = Math.max(noted.mostRows, rows.length);
    return rows;
  };
  return statement;
};

process.on('exit', () => {
  for (const one of seen.values()) appendFileSync(process.env.MANDAT_PLANS ?? '/dev/null', `${JSON.stringify(one)}\n`);
});
