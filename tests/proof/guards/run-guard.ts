/** One guard taken out of a copy of the tree, and the tests that should notice. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleTap, bundleTests } from '../../../.ci/bundle-tests.ts';
import type { Guard } from './guard.ts';

/** What the tests need of the tree. */
const PARTS = [
  'acl',
  'bridge',
  'cli',
  'config',
  'docs',
  'tests',
  '.ci',
  'package.json',
  'tsconfig.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
];

/** In the copy: tests in one file each, which begin at once. */
const BUILT = '.built';

/** A copy whose files may be changed; its packages are the tree's own. */
export function copyOfTree(tree: string): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'mandat-guards-'));
  for (const part of PARTS) cpSync(join(tree, part), join(directory, part), { recursive: true });
  symlinkSync(join(tree, 'node_modules'), join(directory, 'node_modules'));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/**
 * `caught`: the first test that failed, and the innermost assertion. `survived`: no test has noticed. `unclear`: a test didn't begin, came to no end, or
 * fails with the guard in its place too, and so says nothing.
 */
export type Outcome =
  | { readonly kind: 'caught'; readonly test: string; readonly assertion: string; readonly seconds: number }
  | { readonly kind: 'survived' }
  | { readonly kind: 'unclear'; readonly why: string };

/** Seconds that one test file may take. */
const LIMIT_S = 600;

/**
 * The guard is back in its place afterwards. Throws where it isn't there as it is described.
 * `passes`: whether a test passes with every guard in its place; asked for those that failed.
 */
export async function runWithout(
  guard: Guard,
  directory: string,
  passes: (test: string) => Promise<boolean> = async () => true,
): Promise<Outcome> {
  const file = join(directory, guard.file);
  const source = readFileSync(file, 'utf8');
  const without = guard.without(source);
  if (without === source) throw new Error(`${guard.name}: ${guard.file} is the same without it`);
  let unclear: Outcome | undefined;
  for (const test of guard.tests) {
    writeFileSync(file, without);
    const began = Date.now();
    const { failed, late, output } = await run(directory, test).finally(() => writeFileSync(file, source));
    if (!failed) continue;
    const seconds = Math.round((Date.now() - began) / 1000);
    if (late) unclear = { kind: 'unclear', why: `${test} came to no end` };
    else if (!/^\s*(?:not )?ok \d/m.test(output))
      unclear = { kind: 'unclear', why: `${test} did not begin: ${output.slice(-2000)}` };
    else if (await passes(test)) return { kind: 'caught', test, assertion: firstFailure(output), seconds };
    else unclear = { kind: 'unclear', why: `${test} fails with it too` };
  }
  return unclear ?? { kind: 'survived' };
}

/** Whether a test passes in a directory as it stands; each is asked once, or twice where it failed. */
export function passing(directory: string): (test: string) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>();
  const ask = async (test: string) => !(await run(directory, test)).failed || !(await run(directory, test)).failed;
  return (test) => {
    const answer = known.get(test) ?? ask(test);
    known.set(test, answer);
    return answer;
  };
}

/** The innermost assertion that failed, in its own words. */
function firstFailure(output: string): string {
  const [, said = '(it ended before its end)'] = /^\s*not ok \d+ - (.*?)(?: # time=.*)?$/m.exec(output) ?? [];
  return said;
}

interface Run {
  readonly failed: boolean;
  /** It took longer than it may. */
  readonly late: boolean;
  readonly output: string;
}

async function run(directory: string, test: string): Promise<Run> {
  const built = join(directory, BUILT);
  if (!existsSync(join(built, 'node_modules/tap'))) await bundleTap(directory, built);
  await bundleTests(directory, built, [test]);
  const file = join(built, test.replace(/\.ts$/, '.js'));
  return new Promise((resolve, reject) => {
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const env = { ...inherited, TAP_TIMEOUT: String(LIMIT_S), TAP_BAIL: '1', NO_COLOR: '1', MANDAT_TESTS_BUILT: '' };
    const child = spawn(process.execPath, ['--no-deprecation', file], {
      cwd: directory,
      env,
      timeout: LIMIT_S * 1000 + 10_000,
    });
    const pieces: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => pieces.push(piece));
    child.once('error', reject);
    child.once('close', (code) => {
      const output = Buffer.concat(pieces).toString('utf8');
      resolve({ failed: code !== 0, late: code === null || /^\s*not ok \d+ - timeout!/m.test(output), output });
    });
  });
}
