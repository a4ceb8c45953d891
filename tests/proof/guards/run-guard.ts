/** One guard taken out of a copy of the tree, and the tests that should notice. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** A copy whose files may be changed; its packages are the tree's own. */
export function copyOfTree(tree: string): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'mandat-guards-'));
  for (const part of PARTS) cpSync(join(tree, part), join(directory, part), { recursive: true });
  symlinkSync(join(tree, 'node_modules'), join(directory, 'node_modules'));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** `caught`: by the first test that failed. `survived`: no test has noticed. */
export type Outcome = { readonly kind: 'caught'; readonly by: string } | { readonly kind: 'survived' };

/** The guard is back in its place afterwards. Throws where it isn't there as it is described, or where a test can't even begin. */
export async function runWithout(guard: Guard, directory: string): Promise<Outcome> {
  const file = join(directory, guard.file);
  const source = readFileSync(file, 'utf8');
  const without = guard.without(source);
  if (without === source) throw new Error(`${guard.name}: ${guard.file} is the same without it`);
  writeFileSync(file, without);
  try {
    for (const test of guard.tests) {
      const { failed, output } = await run(directory, test);
      if (!failed) continue;
      if (!/^\s*(?:not )?ok \d/m.test(output))
        throw new Error(`${guard.name}: ${test} did not begin:\n${output.slice(-2000)}`);
      return { kind: 'caught', by: `${test}: ${firstFailure(output)}` };
    }
    return { kind: 'survived' };
  } finally {
    writeFileSync(file, source);
  }
}

/** The innermost assertion that failed, in its own words. */
function firstFailure(output: string): string {
  const [, said = '(it ended before its end)'] = /^\s*not ok \d+ - (.*?)(?: # time=.*)?$/m.exec(output) ?? [];
  return said;
}

const LIMIT_S = 240;

function run(directory: string, test: string): Promise<{ readonly failed: boolean; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, TAP_TIMEOUT: String(LIMIT_S), TAP_BAIL: '1', MANDAT_TESTS_BUILT: '' };
    const child = spawn(process.execPath, ['--import', 'tsx', '--no-deprecation', test], {
      cwd: directory,
      env,
      timeout: LIMIT_S * 1000,
    });
    const pieces: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => pieces.push(piece));
    child.once('error', reject);
    child.once('close', (code) => resolve({ failed: code !== 0, output: Buffer.concat(pieces).toString('utf8') }));
  });
}
