/**
 * The program as it is shipped, from the sources as they are now: the tests start it hundreds of times, and so it starts in a fifth of
 * the time that it takes through tsx. A user without rights may read it too. What `npm run build` itself makes, the demo runs.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { cp, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { bundle } from '../../.ci/bundle.ts';

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

/** The `mandat` command, to put arguments behind. PROOF_NODE_ARGUMENTS, where it is set while this is asked, are Node's own. */
export async function builtMandat(): Promise<readonly string[]> {
  const own = process.env.PROOF_NODE_ARGUMENTS?.split(' ') ?? [];
  return [...NODE, ...own, path.join(await builtDirectory(), 'cli/main.js')];
}

/** What programs of tests import, beside the command itself. */
const MODULES = ['bridge/store/published/sender-map.ts', 'tests/sender/publisher.ts', 'tests/cli/host.ts'];

/** Into a directory that is there already. */
export async function build(directory: string): Promise<void> {
  chmodSync(directory, 0o755);
  await writeFile(path.join(directory, 'package.json'), '{ "name": "mandat", "type": "commonjs" }');
  for (const kind of ['notices', 'dovecot', 'postfix', 'systemd', 'debian'])
    await cp(path.join(ROOT, 'config', kind), path.join(directory, 'config', kind), { recursive: true });
  await symlink(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'));
  await bundle({ root: ROOT, directory, beside: MODULES });
}
