// The program as it is shipped: bundled, in files that are loaded when they are needed, with all libraries but the native one in them.
//
// They are CommonJS: Node loads it faster than ES modules, and V8 can be given what it made of it the last time (cli/launch.ts). esbuild splits
// only ES modules, so each of the files that it has split is turned into CommonJS afterwards.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type BuildOptions, build, type Metafile, transform } from 'esbuild';

/** Where package.json lies; the tests, which are bundled themselves, say it. */
export interface Bundle {
  readonly root: string;
  /** Gets cli/main.js and what belongs to it. It is there. */
  readonly directory: string;
  /** Sources beside the program's own, to be loaded from `directory` by the same path. */
  readonly beside?: readonly string[];
}

/** What is called, by the name it gets. */
const ENTRIES = {
  'cli/program': 'cli/main.ts',
  'cli/invoke': 'cli/invoke.ts',
  'cli/commands': 'cli/program.ts',
  'cli/outline': 'cli/outline.ts',
};

/** Loaded by Node itself, each in one file. */
const STARTERS = {
  'cli/main': 'cli/start.ts',
  'cli/precompile': 'cli/precompile.ts',
  'cli/intake-thread': 'bridge/events/intake-thread.ts',
};

/** `node` is what the outline is asked of. Answers what went in, for the licences. */
export async function bundle({ root, directory, beside = [] }: Bundle): Promise<Metafile> {
  const common: BuildOptions = {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['better-sqlite3', 'pg-native'], // the second is never asked for: node-postgres looks for it where it is told to
    // Names stay: an error in a log says where it comes from.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none', // licences.ts has them whole
    write: false,
    outdir: directory,
    logLevel: 'error',
  };
  const chunks = await build({
    ...common,
    entryPoints: { ...ENTRIES, ...Object.fromEntries(beside.map((file) => [file.replace(/\.ts$/, ''), file])) },
    splitting: true,
    chunkNames: 'cli/[name]-[hash]',
    metafile: true,
  });
  const starters = await build({ ...common, entryPoints: STARTERS });
  for (const { path: file, text } of [...(chunks.outputFiles ?? []), ...(starters.outputFiles ?? [])]) {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, await asCommonJs(file, text), { mode: 0o644 });
  }
  await chmod(path.join(directory, 'cli/main.js'), 0o755);
  await writeFile(path.join(directory, 'build.json'), `${JSON.stringify(await origin(root))}\n`, { mode: 0o644 });
  outline(directory);
  return chunks.metafile as Metafile;
}

async function asCommonJs(file: string, text: string): Promise<string> {
  const starter = file.endsWith('/cli/main.js');
  const made = await transform(starter ? text : text.replace(/^#!.*\n/, ''), {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    supported: { 'dynamic-import': false }, // what is imported late is required late
    minifyWhitespace: true,
    minifySyntax: true,
    define: { 'import.meta.dirname': '__dirname' },
  });
  const [odd] = made.warnings;
  if (odd !== undefined) throw new Error(`${path.basename(file)}: ${odd.text}`);
  return made.code;
}

/** The commit, if this is a clone's own tree and not a directory below somebody else's. */
async function origin(root: string) {
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    if (!existsSync(path.join(root, '.git'))) return { version, commit: null };
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return { version, commit: git('rev-parse', 'HEAD'), changed };
  } catch {
    return { version, commit: null }; // no git on this machine
  }
}

/** What --help, completion and man say, asked of the commands themselves (cli/outline.ts). */
function outline(directory: string): void {
  const script = `
    const { buildProgram } = require('./cli/commands.js');
    const { outlineOf, OUTLINE_FILE } = require('./cli/outline.js');
    buildProgram().then(({ commands }) =>
      require('node:fs').writeFileSync('./cli/' + OUTLINE_FILE, JSON.stringify(commands.map(outlineOf)), { mode: 0o644 }));`;
  const { NODE_OPTIONS: _, ...env } = process.env;
  execFileSync(process.execPath, ['--input-type=commonjs', '-e', script], { cwd: directory, env });
}
