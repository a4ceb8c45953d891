import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError } from '../../config/mistake.ts';
import { DOVEADM_API_KEY, IMAP_ADMIN_PASSWORD, readSecret } from '../../config/secret.ts';

const ENV = IMAP_ADMIN_PASSWORD.envName;

t.test('from a file', async (t) => {
  const file = join(t.testdir({}), 'imap.secret');
  /** content, mode, the secret or what the refusal speaks of, why */
  const rows = [
    ['hunter2\n', 0o600, 'hunter2', 'the usual file'],
    ['hunter2', 0o400, 'hunter2', 'without newline, read-only'],
    ['hunter2\r\n', 0o600, 'hunter2', 'written on Windows'],
    ['hunter2\n\n', 0o600, 'hunter2', 'an empty line after it'],
    [' hunter 2 \n', 0o600, ' hunter 2 ', 'spaces belong to it'],
    ['hunter2', 0o640, 'hunter2', 'a group may read it'],
    ['été', 0o600, 'été', 'UTF-8'],
    ['hunter2', 0o644, /chmod 600/, 'everybody reads it'],
    ['hunter2', 0o602, /chmod 600/, 'everybody writes it'],
    ['hunter2', 0o601, /chmod 600/, 'no right for others at all'],
    ['hunter2', 0o660, /chmod 600/, 'the group could put its own there'],
    ['', 0o600, /empty/, 'empty'],
    [' \n', 0o600, /empty/, 'blank'],
    ['hunter2\nhunter3\n', 0o600, /one line/, 'two lines: which one?'],
    ['hunter2\u0000', 0o600, /one line/, 'NUL ends a field of SASL PLAIN'],
  ] as const;
  for (const [content, mode, expected, why] of rows) {
    writeFileSync(file, content);
    chmodSync(file, mode);
    const read = () => readSecret({ ...IMAP_ADMIN_PASSWORD, file, env: {} });
    if (typeof expected === 'string') t.equal(read(), expected, why);
    else t.throws(read, { name: 'ConfigError', message: expected }, why);
    chmodSync(file, 0o600);
  }
});

t.test('no refusal repeats the secret', async (t) => {
  const file = join(t.testdir({ s: 'hunter2\nhunter3\n' }), 's');
  for (const mode of [0o644, 0o660, 0o600]) {
    chmodSync(file, mode);
    try {
      readSecret({ ...IMAP_ADMIN_PASSWORD, file, env: {} });
      t.fail('refused');
    } catch (error) {
      t.ok(error instanceof ConfigError);
      t.notMatch(String(error), /hunter/);
    }
  }
});

t.test('from the environment', async (t) => {
  const file = join(t.testdir({ s: 'from the file' }), 's');
  chmodSync(file, 0o600);
  const read = (value: string | undefined) => readSecret({ ...IMAP_ADMIN_PASSWORD, file, env: { [ENV]: value } });
  t.equal(read('from the environment'), 'from the environment', 'wins over the file');
  t.equal(read('with newline\n'), 'with newline');
  t.equal(read(undefined), 'from the file');
  t.throws(
    () => read(''),
    { message: new RegExp(`${ENV} is empty`) },
    'set but empty is a broken deployment, not a choice',
  );
  chmodSync(file, 0o644);
  t.equal(read('x'), 'x', 'the file is not looked at then');
});

t.test('no secret at all: both ways to give it', async (t) => {
  const dir = t.testdir({ notADirectory: '' });
  for (const file of [join(dir, 'gone'), join(dir, 'notADirectory/gone')]) {
    const read = () => readSecret({ ...DOVEADM_API_KEY, file, env: {} });
    t.throws(read, { message: /gone(?:.|\n)*MANDAT_DOVEADM_API_KEY/, mistakes: [{ path: 'sessions.api_key_file' }] });
  }
});

t.test('what is not a file is refused, not waited for', async (t) => {
  const dir = join(t.testdir({}), 'd');
  mkdirSync(dir, { mode: 0o700 });
  t.throws(() => readSecret({ ...IMAP_ADMIN_PASSWORD, file: dir, env: {} }), { message: /regular file/ });
  t.throws(() => readSecret({ ...IMAP_ADMIN_PASSWORD, file: '/dev/null', env: {} }), { message: /regular file/ });
});

t.test('passed by systemd, where this user may not read the file', async (t) => {
  const directory = t.testdir({ given: { 'imap.secret': 'from systemd\n' }, empty: { 'imap.secret': '\n' }, none: {} });
  const [file, missing] = [join(directory, 'here'), join(directory, 'missing')];
  writeFileSync(file, 'from the file\n', { mode: 0o600 });
  const read = (name: string, of: string, env: Readonly<Record<string, string>> = {}) =>
    readSecret({ ...IMAP_ADMIN_PASSWORD, file: of, env: { CREDENTIALS_DIRECTORY: join(directory, name), ...env } });
  t.equal(read('given', missing), 'from systemd');
  t.equal(read('given', file), 'from the file', 'a change to it counts at once');
  t.equal(read('given', missing, { [ENV]: 'from the environment' }), 'from the environment');
  for (const name of ['empty', 'none', 'nowhere']) t.throws(() => read(name, missing), /does not exist/, name);
  const other = { ...DOVEADM_API_KEY, file: missing, env: { CREDENTIALS_DIRECTORY: join(directory, 'given') } };
  t.throws(() => readSecret(other), /does not exist/, 'each has its own');
});
