/** The npm package: what is in it, and that it runs where it was installed for everybody. Without the network. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { NODE } from './built.ts';
import { ran } from './commands.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** What better-sqlite3 loads of itself and others when it runs. */
const NATIVE = ['better-sqlite3', 'bindings', 'file-uri-to-path'];

/** Of a copy of the sources, so that two runs at once don't build into one dist/. */
function packed(copy: string): string {
  mkdirSync(copy);
  const sources = [
    '.ci',
    'acl',
    'bridge',
    'cli',
    'config',
    'docs',
    'package.json',
    'tsconfig.json',
    'CHANGELOG.md',
    'README.md',
    'LICENSE',
  ];
  for (const name of sources) cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
  const { status, stderr } = quiet(['npm', 'pack', '--silent', '--pack-destination', copy], copy);
  const tarball = readdirSync(copy).find((name) => name.endsWith('.tgz'));
  if (status !== 0 || tarball === undefined) throw new Error(`npm pack: ${stderr}`);
  return path.join(copy, tarball);
}

const quiet = ([file = '', ...args]: readonly string[], cwd: string) =>
  spawnSync('env', ['-u', 'NODE_OPTIONS', file, ...args], { cwd, encoding: 'utf8' });

t.test('packed, installed, run', async (t) => {
  const directory = t.testdir({});
  const tarball = packed(path.join(directory, 'sources'));
  const files = quiet(['tar', 'tzf', tarball], ROOT)
    .stdout.trim()
    .split('\n')
    .map((name) => name.replace(/^package\//, ''));

  t.test('what is in it', async (t) => {
    t.same(
      files.filter((name) => /\.(map|ts)$|^(tests|\.ci|acl|bridge|cli|config\/lab|dist\/cli\/code)\//.test(name)),
      [],
    );
    const needed = [
      'dist/cli/main.js',
      'dist/cli/outline.json',
      'dist/build.json',
      'dist/licences.txt',
      'docs/mandat.1',
    ];
    for (const name of [
      ...needed,
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'config/mandat.toml',
      'config/systemd/mandat.service',
    ])
      t.ok(files.includes(name), name);
  });

  const prefix = path.join(directory, 'prefix');
  mkdirSync(path.join(prefix, 'lib/node_modules'), { recursive: true });
  const install = [
    'npm',
    'install',
    '--global',
    '--prefix',
    prefix,
    '--offline',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
  ];
  const installed = quiet([...install, tarball], prefix);
  const place = path.join(prefix, 'lib/node_modules/mandat');
  const main = path.join(place, 'dist/cli/main.js');
  if (installed.status !== 0) {
    t.comment(`NPM COULD NOT INSTALL IT OFFLINE, so it is unpacked by hand: ${installed.stderr.split('\n')[0]}`);
    mkdirSync(place, { recursive: true });
    quiet(['tar', 'xzf', tarball, '--strip-components=1', '-C', place], prefix);
    mkdirSync(path.join(prefix, 'bin'), { recursive: true });
    symlinkSync(main, path.join(prefix, 'bin/mandat'));
  }
  // Its native module is compiled by a script, or fetched: here it is the one that these tests run with.
  for (const name of NATIVE)
    cpSync(path.join(ROOT, 'node_modules', name), path.join(place, 'node_modules', name), { recursive: true });

  t.test('it runs', async (t) => {
    const site = path.join(directory, 'site');
    mkdirSync(site);
    writeFileSync(path.join(site, 'secret'), 'none\n', { mode: 0o600 });
    const config = path.join(site, 'mandat.toml');
    const imap =
      '[imap]\nhost = "127.0.0.1"\nport = 9\ntls = "none"\nadmin_user = "none"\nadmin_password_file = "secret"\n';
    writeFileSync(config, `data_dir = "data"\n${imap}`);
    const mandat = (...args: string[]) => ran([...NODE, path.join(prefix, 'bin/mandat'), '--config', config, ...args]);
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    t.match(await mandat('--version'), {
      status: 0,
      stdout: `${version} (built without git: the commit is not known)\n`,
      stderr: '',
    });
    t.match(await mandat('init'), { status: 0, stderr: '' });
    t.match(await mandat('list'), { status: 0, stdout: 'no delegations\n', stderr: '' });
    t.match(await mandat('notices', 'templates', '--help'), { status: 0, stderr: '' });
    t.match(await ran([...NODE, path.join(place, 'dist/cli/precompile.js')]), { status: 0, stdout: /^kept what/ });
    t.match(await mandat('list'), { status: 0, stdout: 'no delegations\n', stderr: '' });
  });
});

t.test('the changelog has this version', async (t) => {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  t.ok(readFileSync(path.join(ROOT, 'CHANGELOG.md'), 'utf8').includes(`\n## [${version}]`));
});
