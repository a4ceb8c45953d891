/**
 * Keeps what V8 makes of the program's files when the everyday commands run, so that these start in three quarters of the time
 * (docs/performance.md). Run by the build; to be run again where the program was installed without a build, or Node was changed:
 * `node .../dist/cli/precompile.js`. Works on a site of its own that it throws away; talks to nobody.
 */
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { codePlace, loaderOf } from './launch.ts';

const directory = import.meta.dirname;
const { load, scripts } = loaderOf(directory);
const { invoke } = load('invoke.js') as { invoke(args: readonly string[]): Promise<void> };

/** A number that is somebody's nowhere, with the right key. */
const NOBODY = '810101026994';

const EVERYDAY = [
  ['--help'],
  ['completion', 'bash'],
  ['init'],
  ['delegate', 'add', NOBODY, '--login', 'nobody@example.invalid', '--first-name', 'No', '--last-name', 'Body'],
  ['mailbox', 'add', 'nobody@example.invalid', '--kind', 'PER'],
  ['grant', 'nobody@example.invalid', NOBODY, '--acknowledge', '--no-wait'],
  ['list'],
  ['status'],
  ['revoke', 'nobody@example.invalid', NOBODY, '--yes', '--no-wait'],
];

async function everyday(site: string): Promise<void> {
  const config = path.join(site, 'mandat.toml');
  const secret = path.join(site, 'secret');
  writeFileSync(secret, 'none\n', { mode: 0o600 });
  const imap = ['[imap]', 'host = "127.0.0.1"', 'port = 9', 'tls = "none"', 'admin_user = "none"'];
  writeFileSync(
    config,
    [`data_dir = ${JSON.stringify(path.join(site, 'data'))}`, ...imap, `admin_password_file = "${secret}"`, ''].join(
      '\n',
    ),
  );
  for (const args of EVERYDAY) await invoke(['--config', config, ...args]);
}

/** Each whole, or not there. */
function keep(): number {
  const place = codePlace(directory);
  const fresh = `${place}.${process.pid}`;
  mkdirSync(fresh, { recursive: true, mode: 0o755 });
  for (const [name, script] of scripts)
    writeFileSync(path.join(fresh, name), script.createCachedData(), { mode: 0o644 });
  for (const made of [path.dirname(place), fresh]) chmodSync(made, 0o755);
  rmSync(place, { recursive: true, force: true });
  renameSync(fresh, place);
  return scripts.size;
}

async function main(): Promise<void> {
  const site = mkdtempSync(path.join(os.tmpdir(), 'mandat-precompile-'));
  const say = process.stdout.write.bind(process.stdout);
  const quiet = (() => true) as typeof process.stdout.write;
  process.stdout.write = quiet;
  process.stderr.write = quiet;
  try {
    await everyday(site);
  } finally {
    rmSync(site, { recursive: true, force: true });
  }
  process.exitCode = 0;
  say(`kept what ${process.version} makes of ${keep()} files\n`);
}

void main();
