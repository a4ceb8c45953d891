/** Secrets whose file changes while they are in use. */
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { keptSecret, stampOf } from '../../bridge/configured/secrets.ts';

const NAME = { name: 'imap.admin_password_file', envName: 'MANDAT_IMAP_ADMIN_PASSWORD' };

t.test('what stands in the file counts, from the next time on', async (t) => {
  const file = path.join(t.testdir(), 'imap.secret');
  const write = (text: string) => writeFileSync(file, text, { mode: 0o600 });
  const source = { ...NAME, file, env: {} };
  t.throws(() => keptSecret(source), /./, 'none at the start');
  write('first\n');
  const secret = keptSecret(source);
  const before = stampOf(source);
  t.equal(secret.read(), 'first');
  t.equal(stampOf(source), before, 'reading changes nothing');
  write('second\n');
  t.not(stampOf(source), before);
  t.equal(secret.read(), 'second');
  writeFileSync(`${file}.new`, 'third!\n', { mode: 0o600 });
  renameSync(`${file}.new`, file);
  t.equal(secret.read(), 'third!', 'moved over it');
  for (const [what, spoil] of [
    ['empty', () => write('')],
    ['for everybody', () => chmodSync(file, 0o644)],
    ['gone', () => rmSync(file)],
  ] as const) {
    write('good\n');
    t.equal(secret.read(), 'good');
    spoil();
    t.throws(() => secret.read(), { code: 'config', hint: /./ }, what);
    t.throws(() => secret.read(), { code: 'config' }, 'each time');
    t.doesNotThrow(() => stampOf(source));
    rmSync(file, { force: true });
  }
  t.doesNotThrow(() => stampOf({ ...source, file: path.join(file, 'below', 'a file') }));
});

t.test('the environment wins, and does not change', async (t) => {
  const source = { ...NAME, file: '/nowhere', env: { MANDAT_IMAP_ADMIN_PASSWORD: 'given' } };
  t.equal(keptSecret(source).read(), 'given');
  t.equal(stampOf(source), stampOf({ ...source, file: '/elsewhere' }));
});
