import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig, places } from '../../config/load.ts';
import { ConfigError } from '../../config/mistake.ts';

const withPort = (port: number): string => `[imap]\nport = ${port}\n`;

t.test('the first place that has a file wins', async (t) => {
  const cwd = t.testdir({
    'mandat.toml': withPort(3),
    'env.toml': withPort(2),
    'option.toml': withPort(1),
    sub: { 'mandat.toml': withPort(4) },
  });
  const env = { MANDAT_CONFIG: 'env.toml' };
  const rows = [
    [{ path: 'option.toml', env, cwd }, 1, '--config before everything'],
    [{ env, cwd }, 2, 'then the environment'],
    [{ env: {}, cwd }, 3, 'then the working directory'],
    [{ env: { MANDAT_CONFIG: '' }, cwd }, 3, 'an empty variable is unset'],
    [{ path: join(cwd, 'sub/mandat.toml'), env, cwd: '/' }, 4, 'an absolute path needs no working directory'],
  ] as const;
  for (const [options, port, why] of rows) t.equal(loadConfig(options).imap.port, port, why);

  const { file, dataDir } = loadConfig({ path: 'sub/mandat.toml', env, cwd });
  t.equal(file, join(cwd, 'sub/mandat.toml'), 'the file is known by its absolute path');
  t.equal(dataDir, join(cwd, 'sub/data'), 'paths start there, not in the working directory');
});

t.test('the places, in order', async (t) => {
  const files = places({ path: '/a.toml', env: { MANDAT_CONFIG: 'b.toml' }, cwd: '/srv' }).map(({ file }) => file);
  t.same(files, ['/a.toml', '/srv/b.toml', '/srv/mandat.toml', '/etc/mandat/mandat.toml']);
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
  const cwd = t.testdir({});
  const { message } = failure(() => loadConfig({ env: {}, cwd }));
  for (const place of ['--config', '$MANDAT_CONFIG', join(cwd, 'mandat.toml'), '/etc/mandat/mandat.toml']) {
    t.ok(message.includes(place), place);
  }
});

t.test('a file that was named must be there; another one is not taken instead', async (t) => {
  const cwd = t.testdir({ 'mandat.toml': withPort(3) });
  t.match(failure(() => loadConfig({ path: 'gone.toml', env: {}, cwd })).message, /gone\.toml(?:.|\n)*--config/);
  t.match(
    failure(() => loadConfig({ env: { MANDAT_CONFIG: 'gone.toml' }, cwd })).message,
    /gone\.toml(?:.|\n)*MANDAT_CONFIG/,
  );
});

t.test('a file that is there but no good is an error, not a reason to look on', async (t) => {
  const cwd = t.testdir({});
  const file = join(cwd, 'mandat.toml');
  mkdirSync(file);
  t.match(failure(() => loadConfig({ env: {}, cwd })).message, /directory/);
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
    t.match(failure(() => loadConfig({ env: {}, cwd })).message, /may not be read/);
  } finally {
    if (root) process.seteuid?.(0);
  }
});

t.test('text: a BOM and CR LF are fine, Latin-1 is said to be so', async (t) => {
  const cwd = t.testdir({});
  const file = join(cwd, 'mandat.toml');
  writeFileSync(file, '\ufeff[imap]\r\nport = 993\r\n');
  t.equal(loadConfig({ env: {}, cwd }).imap.port, 993);
  writeFileSync(file, Buffer.from('# d\xe9l\xe9gu\xe9\n', 'latin1'));
  t.match(failure(() => loadConfig({ env: {}, cwd })).message, /UTF-8/);
});

t.test('mistakes in the file carry its path', async (t) => {
  const cwd = t.testdir({ 'mandat.toml': '[imap]\nport = 0\n' });
  const error = failure(() => loadConfig({ env: {}, cwd }));
  t.ok(error.message.startsWith(join(cwd, 'mandat.toml')));
  t.equal(error.mistakes[0]?.path, 'imap.port');
});
