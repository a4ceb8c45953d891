/** docs/security.md: each file that it, docs/reliability.md and docs/guards.md name is there, and what it says of packages is what package.json, the lock file and the code say. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const page = read('docs/security.md');
const { dependencies, devDependencies, allowScripts } = JSON.parse(read('package.json'));

/** What stands in the first column of a section's table. */
function firstColumn(heading: string): readonly string[] {
  const [, section = ''] = page.split(`### ${heading}\n`);
  const rows = (section.split('\n#')[0] ?? '').split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
}

const inProgram = firstColumn('In the program');
const beside = firstColumn('To build and test it');

t.test('every test that is named is there, and each table names some', async (t) => {
  for (const [name, least] of [
    ['security', 50],
    ['reliability', 10],
    ['guards', 100],
  ] as const) {
    const named = [...read(`docs/${name}.md`).matchAll(/`(tests\/[\w./-]+)`/g)].map(([, file = '']) => file);
    t.ok(named.length > least, `docs/${name}.md names ${named.length}`);
    t.same(
      named.filter((file) => !existsSync(path.join(ROOT, file))),
      [],
      name,
    );
  }
  const cants = page.split('\n').filter((line) => line.startsWith("| can't |"));
  t.ok(cants.length > 25);
  for (const line of cants) t.match(line, /`tests\//, line.slice(0, 80));
});

t.test('every package once, with what it is for', async (t) => {
  const all = [...Object.keys(dependencies), ...Object.keys(devDependencies)].sort();
  t.same([...inProgram, ...beside].sort(), all);
  t.same(Object.keys(dependencies), ['better-sqlite3'], 'all others are bundled');
  t.match(page, `**${inProgram.length}** packages are in the program, **${beside.length}** are for building`);
});

t.test('in the program is what its code imports', async (t) => {
  const sources = ['acl', 'bridge', 'cli', 'config'].flatMap((room) =>
    readdirSync(path.join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter(
        (name) => /\.tsx?$/.test(name) && !/\.d\.ts$/.test(name) && !(room === 'config' && name.startsWith('lab')),
      )
      .map((name) => read(path.join(room, name))),
  );
  const imported = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/^(?!import type )(?:import|export|\}) .*?from '((?:@[\w-]+\/)?[\w-]+)/gm)].map(
        ([, name = '']) => name,
      ),
    ),
  );
  t.ok(imported.size > 15);
  t.same(
    beside.filter((name) => imported.has(name)),
    [],
    'nothing of the tests is in it',
  );
});

t.test('install scripts: those that are named, and no other', async (t) => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Readonly<
      Record<string, { readonly hasInstallScript?: boolean; readonly optional?: boolean; readonly dev?: boolean }>
    >;
  };
  const scripted = Object.entries(packages).filter(
    ([name, one]) => name !== '' && one.hasInstallScript === true && one.optional !== true,
  );
  const names = scripted.map(([name]) => name.replace(/^.*node_modules\//, '')).sort();
  t.same(names, ['better-sqlite3', 'esbuild']);
  t.same(Object.keys(allowScripts).sort(), names, 'npm runs these alone');
  t.same(
    scripted.filter(([, { dev }]) => dev !== true).map(([name]) => name),
    ['node_modules/better-sqlite3'],
    'and one where it is installed',
  );
});
