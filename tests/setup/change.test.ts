/** What setup writes: shown before, kept beside, and put back as it was; where something can't be, the rest is, and it is said. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { emptied, needed, putBack, shown, write } from '../../bridge/setup/change.ts';

t.test('written and undone', async (t) => {
  const directory = t.testdir({ 'main.cf': 'mine\t= yes\n', 'same.cf': 'as it is\n' });
  const at = (name: string) => path.join(directory, name);
  chmodSync(at('main.cf'), 0o640);
  const changes = [
    { file: at('main.cf'), after: 'mine\t= yes\nours = too\n' },
    { file: at('same.cf'), after: 'as it is\n' },
    { file: at('new/secret'), after: 'xyzzy\n', mode: 0o600, secret: true },
  ];
  t.same(
    needed(changes).map(({ file }) => path.basename(file)),
    ['main.cf', 'secret'],
  );
  t.match(
    shown(changes[0] as (typeof changes)[0]),
    /^--- .*main\.cf\n\+\+\+ .*main\.cf\n[\s\S]*\n mine {4}= yes\n\+ours = too$/,
  );
  t.match(shown(changes[2] as (typeof changes)[0]), /new\/secret: a new file, a secret, mode 600$/);

  const undo = write([{ directory: at('new'), mode: 0o750 }], changes);
  t.equal(readFileSync(at('main.cf'), 'utf8'), 'mine\t= yes\nours = too\n');
  t.equal(readFileSync(at('main.cf.before-mandat'), 'utf8'), 'mine\t= yes\n');
  t.equal(statSync(at('main.cf')).mode & 0o777, 0o640, 'it keeps its mode');
  t.equal(statSync(at('new/secret')).mode & 0o777, 0o600);
  t.notOk(existsSync(at('same.cf.before-mandat')));

  undo();
  t.equal(readFileSync(at('main.cf'), 'utf8'), 'mine\t= yes\n');
  t.equal(statSync(at('main.cf')).mode & 0o777, 0o640);
  t.notOk(existsSync(at('new')));
  t.notOk(existsSync(at('main.cf.before-mandat')));
});

t.test('one that fails, at once or later, keeps none of the others', async (t) => {
  const done: string[] = [];
  const failed = await putBack([
    () => done.push('first'),
    () => {
      throw new Error('the disk is full');
    },
    async () => {
      throw new Error('doveadm reload: no answer');
    },
    () => done.push('last'),
  ]);
  t.same(done, ['first', 'last']);
  t.same(failed, ['the disk is full', 'doveadm reload: no answer']);
});

t.test('of a secret no copy is kept, and it is put back all the same', async (t) => {
  const directory = t.testdir({ 'imap.secret': '', 'doveadm.secret': 'old\n' });
  const at = (name: string) => path.join(directory, name);
  const undo = write(
    [],
    ['imap.secret', 'doveadm.secret'].map((name) => ({ file: at(name), after: 'new\n', mode: 0o600, secret: true })),
  );
  t.same(readdirSync(directory).sort(), ['doveadm.secret', 'imap.secret']);
  undo();
  t.same([readFileSync(at('imap.secret'), 'utf8'), readFileSync(at('doveadm.secret'), 'utf8')], ['', 'old\n']);
});

t.test('a directory of data that was empty is empty again, one that held something keeps all', async (t) => {
  const directory = t.testdir({ empty: {}, used: { table: {} } });
  const at = (name: string) => path.join(directory, name);
  const undo = [at('empty'), at('used'), at('none')].map(emptied);
  for (const place of ['empty', 'used', 'none']) mkdirSync(at(`${place}/private`), { recursive: true });
  for (const one of undo) one();
  t.same(
    ['empty', 'used', 'none'].map((place) => readdirSync(at(place)).sort()),
    [[], ['private', 'table'], []],
  );
});
