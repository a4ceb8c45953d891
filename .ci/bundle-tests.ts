// Tests with all that they import in one file each.
//
// Through tsx each of them would spend two seconds on reading some hundred modules. `npx tap FILE` runs a test as it stands.

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

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

/** tap in one file as well, where the tests find it before the one in node_modules of the project. `root`: where package.json lies. */
export async function bundleTap(root: string, directory: string): Promise<void> {
  const own = path.join(directory, 'node_modules/tap');
  await build({
    absWorkingDir: root,
    stdin: { contents: "export * from 'tap'; export { default } from 'tap';", resolveDir: root },
    outfile: path.join(own, 'index.js'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    alias: { 'async-hook-domain': path.join(root, '.ci/error-domain.ts') },
    banner: { js: REQUIRE },
    logLevel: 'error',
  });
  await writeFile(path.join(own, 'package.json'), JSON.stringify({ name: 'tap', type: 'module', main: 'index.js' }));
}

/** `tests`: from `root`, such as tests/acl/policy.test.ts, which becomes tests/acl/policy.test.js in `directory`. */
export async function bundleTests(root: string, directory: string, tests: readonly string[]): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [...tests],
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
}
