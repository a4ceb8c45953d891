// build-tests.ts DIRECTORY: every test with all that it imports in one file, and the program that the tests call.
//
// Through tsx each of them would spend two seconds on reading some hundred modules. `npx tap FILE` runs a test as it stands.

import { readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { build as buildProgram } from '../tests/cli/built.ts';

/** A module looks for what lies beside its source, wherever it has been built to. */
const inItsPlace: Plugin = {
  name: 'in its place',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
      if (file.includes('/node_modules/')) return undefined;
      const place = { $dirname: path.dirname(file), $url: pathToFileURL(file).href };
      const known = Object.entries(place).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`);
      return { contents: known.join('') + (await readFile(file, 'utf8')), loader: 'ts' };
    });
  },
};

const REQUIRE = "import { createRequire as $require } from 'node:module'; const require = $require(import.meta.url);";

const directory = path.resolve(process.argv[2] ?? '');

/** tap in one file as well, where the tests find it before the one in node_modules of the project. */
async function buildTap(): Promise<void> {
  const own = path.join(directory, 'node_modules/tap');
  await build({
    stdin: { contents: "export * from 'tap'; export { default } from 'tap';", resolveDir: '.' },
    outfile: path.join(own, 'index.js'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    alias: { 'async-hook-domain': path.resolve('.ci/error-domain.ts') },
    banner: { js: REQUIRE },
    logLevel: 'error',
  });
  await writeFile(path.join(own, 'package.json'), JSON.stringify({ name: 'tap', type: 'module', main: 'index.js' }));
}

const program = path.join(directory, 'program');
await mkdir(program, { recursive: true });
await buildProgram(program);
await buildTap();
const tests = readdirSync('tests', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
await build({
  entryPoints: tests.map((name) => path.join('tests', name)),
  outbase: '.',
  outdir: directory,
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: ['tap', 'better-sqlite3', 'esbuild', 'playwright-core'],
  banner: { js: REQUIRE },
  sourcemap: true,
  sourcesContent: false,
  minifyWhitespace: true,
  logLevel: 'error',
  plugins: [inItsPlace],
  define: { 'import.meta.dirname': '$dirname', 'import.meta.url': '$url' },
});
