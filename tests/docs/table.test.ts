/**
 * docs/table.md: each block of SQL runs on a table that `mandat init` has just made, in Debian's sqlite3 shell, and each refusal is the one
 * that the page names behind the statement. The first block is what the others go on from.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { desk } from '../cli/desk.ts';

const PAGE = readFileSync(new URL('../../docs/table.md', import.meta.url), 'utf8');

interface Block {
  readonly line: number;
  readonly text: string;
}

interface Statement {
  readonly sql: string;
  /** The code by which the page says that it is refused. */
  readonly refused: string | undefined;
}

interface Came {
  readonly refused: string | undefined;
  readonly shows: boolean;
}

const blocks = (language: string): readonly Block[] =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(({ 1: text = '', index }) => ({
    line: PAGE.slice(0, index).split('\n').length,
    text,
  }));

/** A statement ends with a semicolon at the end of its line, before a remark; it becomes one line. */
function statements({ text }: Block): readonly Statement[] {
  return [...text.matchAll(/([\s\S]+?);[ \t]*(?:--(.*))?\n/g)].map(([, sql = '', remark = '']) => ({
    sql: sql.replace(/\s*\n\s*/g, ' ').trim(),
    refused: /\bMANDAT_[A-Z_]+/.exec(remark)?.[0],
  }));
}

const MARK = 'end of statement';

/** One shell for all of them, which goes on after a refusal. */
function inShell(file: string, those: readonly Statement[]): readonly Came[] {
  const input = those.map(({ sql }) => `${sql};\n.print ${MARK}\n`).join('');
  const { stdout, stderr } = spawnSync('sqlite3', ['-batch', '-init', '/dev/null', file], { encoding: 'utf8', input });
  const answers = stdout.split(`${MARK}\n`);
  const refusals = new Map<number, string>();
  for (const [said, line, refusal = ''] of stderr.matchAll(/error near line (\d+): (.*)/g)) {
    refusals.set((Number(line) - 1) / 2, /\bMANDAT_[A-Z_]+/.exec(refusal)?.[0] ?? said);
  }
  return those.map((_, n) => ({ refused: refusals.get(n), shows: (answers[n] ?? '') !== '' }));
}

test('each block of SQL does what the page says', async (t) => {
  const [first, ...others] = blocks('sql');
  if (first === undefined) throw new Error('docs/table.md has no block of SQL');
  t.ok(others.length >= 8);
  for (const block of others) {
    const { table } = await desk(t);
    const beginning = statements(first);
    const those = statements(block);
    t.not(those.length, 0, `line ${block.line}: statements`);
    const came = inShell(table, [...beginning, ...those]);
    for (const [n, { sql, refused }] of [...beginning, ...those].entries()) {
      t.equal(came[n]?.refused, refused, `line ${block.line}: ${sql}`);
      if (/^SELECT/.test(sql)) t.ok(came[n]?.shows, `line ${block.line}: ${sql} shows something`);
    }
  }
});

test('each code that the table refuses with is in the page, shown or named', async (t) => {
  const { sql } = await desk(t);
  const rules = sql("SELECT group_concat(sql, ' ') FROM sqlite_schema WHERE type = 'trigger'");
  const codes = [...new Set(rules.match(/\bMANDAT_[A-Z_]+/g))];
  t.ok(codes.length > 15);
  for (const code of codes) t.ok(new RegExp(`\\b${code}\\b`).test(PAGE), code);
});

test('the columns that the page names are those of the table', async (t) => {
  const { sql } = await desk(t);
  for (const view of ['mailbox', 'alias', 'domain', 'delegate', 'delegation']) {
    const [, row = ''] = new RegExp(`^\\| \`${view}\` \\| (.*) \\|$`, 'm').exec(PAGE) ?? [];
    const columns = sql(`SELECT name FROM pragma_table_info('${view}')`).split('\n');
    t.same(row.replaceAll('`', '').split(', '), columns, view);
  }
});

test('the block of Python is refused as it says', async (t) => {
  const [block] = blocks('python');
  const [first] = blocks('sql');
  if (block === undefined || first === undefined) throw new Error('docs/table.md has no block of Python');
  const { table } = await desk(t);
  inShell(table, statements(first));
  const program = block.text.replace('/var/lib/mandat/table/delegation.db', table);
  const { stdout, stderr } = spawnSync('python3', ['-c', program], { encoding: 'utf8' });
  t.equal(stderr, '');
  t.equal(stdout, 'MANDAT_DUPLICATE\n');
});
