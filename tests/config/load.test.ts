import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadConfig, places } from '../../config/load.ts';
import { ConfigError } from '../../config/mistake.ts';

/** In /tmp, since the way to a checkout may be open to a group. */
function fixture(t: Test, files: Readonly<Record<string, string | Readonly<Record<string, string>>>> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'mandat-load-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const write = (into: string, content: typeof files) => {
    for (const [name, text] of Object.entries(content)) {
      if (typeof text === 'string') writeFileSync(join(into, name), text, { mode: 0o644 });
      else {
        mkdirSync(join(into, name), { mode: 0o755 });
        write(join(into, name), text);
      }
    }
  };
  write(directory, files);
  return directory;
}

const withPort = (port: number): string => `[imap]\nport = ${port}\n`;

t.test('the first place that has a file wins', async (t) => {
  const cwd = fixture(t, {
    'env.toml': withPort(2),
    'option.toml': withPort(1),
    sub: { 'mandat.toml': withPort(4) },
  });
  const env = { MANDAT_CONFIG: 'env.toml' };
  const rows = [
    [{ path: 'option.toml', env, cwd }, 1, '--config before everything'],
    [{ env, cwd }, 2, 'then the environment'],
    [{ path: join(cwd, 'sub/mandat.toml'), env, cwd: '/' }, 4, 'an absolute path needs no working directory'],
  ] as const;
  for (const [options, port, why] of rows) t.equal(loadConfig(options).imap.port, port, why);

  const { file, dataDir } = loadConfig({ path: 'sub/mandat.toml', env, cwd });
  t.equal(file, join(cwd, 'sub/mandat.toml'), 'the file is known by its absolute path');
  t.equal(dataDir, join(cwd, 'sub/data'), 'paths start there, not in the working directory');
});

t.test('the places, in order', async (t) => {
  const files = places({ path: '/a.toml', env: { MANDAT_CONFIG: 'b.toml' }, cwd: '/srv' }).map(({ file }) => file);
  t.same(files, ['/a.toml', '/srv/b.toml', '/etc/mandat/mandat.toml']);
  t.equal(places({ env: { MANDAT_CONFIG: '' }, cwd: '/srv' })[1]?.file, undefined, 'an empty variable is unset');
});

const failure = (run: () => unknown): ConfigError => {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('a ConfigError was expected');
};

t.test('no file anywhere: every place is named', async (t) => {
  const cwd = fixture(t);
  writeFileSync(join(cwd, 'mandat.toml'), withPort(3)); // whoever may write here would say what mandat does
  const { message } = failure(() => loadConfig({ env: {}, cwd }));
  for (const place of ['--config', '$MANDAT_CONFIG', '/etc/mandat/mandat.toml']) {
    t.ok(message.includes(place), place);
  }
});

t.test('a file that was named must be there; another one is not taken instead', async (t) => {
  const cwd = fixture(t, { 'mandat.toml': withPort(3) });
  t.match(failure(() => loadConfig({ path: 'gone.toml', env: {}, cwd })).message, /gone\.toml(?:.|\n)*--config/);
  t.match(
    failure(() => loadConfig({ env: { MANDAT_CONFIG: 'gone.toml' }, cwd })).message,
    /gone\.toml(?:.|\n)*MANDAT_CONFIG/,
  );
});

t.test('a file that is there but no good is an error, not a reason to look on', async (t) => {
  const cwd = fixture(t);
  const file = join(cwd, 'mandat.toml');
  mkdirSync(file);
  t.match(failure(() => loadConfig({ path: 'mandat.toml', env: {}, cwd })).message, /directory/);
});

t.test('a file without read permission', async (t) => {
  // Root reads everything, so it reads as nobody, at a place that nobody can reach.
  const cwd = mkdtempSync(join(tmpdir(), 'mandat-load-'));
  t.teardown(() => rmSync(cwd, { recursive: true }));
  chmodSync(cwd, 0o755);
  writeFileSync(join(cwd, 'mandat.toml'), '', { mode: 0 });
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.('nobody');
  try {
    t.match(failure(() => loadConfig({ path: 'mandat.toml', env: {}, cwd })).message, /may not be read/);
  } finally {
    if (root) process.seteuid?.(0);
  }
});

t.test('text: a BOM and CR LF are fine, Latin-1 is said to be so', async (t) => {
  const cwd = fixture(t);
  const file = join(cwd, 'mandat.toml');
  writeFileSync(file, '\ufeff[imap]\r\nport = 993\r\n');
  t.equal(loadConfig({ path: file, env: {}, cwd }).imap.port, 993);
  writeFileSync(file, Buffer.from('# d\xe9l\xe9gu\xe9\n', 'latin1'));
  t.match(failure(() => loadConfig({ path: file, env: {}, cwd })).message, /UTF-8/);
});

t.test('mistakes in the file carry its path', async (t) => {
  const cwd = fixture(t, { 'mandat.toml': '[imap]\nport = 0\n' });
  const error = failure(() => loadConfig({ path: 'mandat.toml', env: {}, cwd }));
  t.ok(error.message.startsWith(join(cwd, 'mandat.toml')));
  t.equal(error.mistakes[0]?.path, 'imap.port');
});

t.test('a named pipe is refused, not waited for', async (t) => {
  const cwd = fixture(t);
  execFileSync('mkfifo', [join(cwd, 'pipe.toml')]);
  t.match(failure(() => loadConfig({ path: 'pipe.toml', env: {}, cwd })).message, /not a regular file/);
});
