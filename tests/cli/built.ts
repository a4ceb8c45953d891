/**
 * The program in one file, from the sources as they are now: the tests start it hundreds of times, and so it starts in a fifth of
 * the time that it takes through tsx. A user without rights may read it too. What `npm run build` makes, the demo runs.
 */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { copyFile, cp, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(import.meta.dirname, '../..');

let building: Promise<string> | undefined;

/**
 * The directory that holds cli/main.js and {@link MODULES}: the one that `.ci/test` made for the whole run (build.ts), or one made
 * once a process and removed when it ends.
 */
export function builtDirectory(): Promise<string> {
  building ??= process.env.MANDAT_TESTS_BUILT ? Promise.resolve(process.env.MANDAT_TESTS_BUILT) : ownDirectory();
  return building;
}

async function ownDirectory(): Promise<string> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-built-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  await build(directory);
  return directory;
}

/** Node without what the test runner adds to every Node process it sees being started: loaders, which cost half a second. */
export const NODE = ['env', '-u', 'NODE_OPTIONS', process.execPath] as const;

/** The `mandat` command, to put arguments behind. */
export async function builtMandat(): Promise<readonly string[]> {
  return [...NODE, path.join(await builtDirectory(), 'cli/main.js')];
}

/** What programs of tests import, beside the command itself. */
const MODULES = [
  'cli/main.ts',
  'bridge/store/published/sender-map.ts',
  'tests/sender/publisher.ts',
  'tests/cli/host.ts',
];

/** For the libraries, which are CommonJS. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** Into a directory that is there already. */
export async function build(directory: string): Promise<void> {
  chmodSync(directory, 0o755);
  const options = ['--bundle', '--platform=node', '--format=esm', '--external:better-sqlite3', '--log-level=error'];
  // Half of a start is reading the program: what a command loads late stands apart, and blanks are left out.
  options.push('--splitting', '--minify-whitespace');
  // Chunks stand beside cli/main.js: from there the program looks for its package.json.
  const places = [
    '--chunk-names=cli/[name]-[hash]',
    `--outbase=${ROOT}`,
    `--outdir=${directory}`,
    `--banner:js=${REQUIRE}`,
  ];
  const esbuild = path.join(ROOT, 'node_modules/.bin/esbuild');
  await promisify(execFile)(esbuild, [...MODULES.map((file) => path.join(ROOT, file)), ...options, ...places]);
  await copyFile(path.join(ROOT, 'package.json'), path.join(directory, 'package.json'));
  for (const kind of ['notices', 'dovecot', 'postfix', 'systemd'])
    await cp(path.join(ROOT, 'config', kind), path.join(directory, 'config', kind), { recursive: true });
  await symlink(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'));
}
