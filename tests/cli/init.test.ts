import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { sqlite3 } from '../store/shell.ts';
import { builtMandat } from './built.ts';
import { ran } from './commands.ts';
import { desk, must, WITH_SENDERS } from './desk.ts';

const mode = (file: string) => (statSync(file).mode & 0o7777).toString(8);
const TABLE = 'data/table/delegation.db';

t.test('made once, kept ever after', async (t) => {
  const { mandat, json, directory, sql } = await desk(t, { init: false, config: WITH_SENDERS });
  const first = await must(mandat('init'));
  t.match(
    first.stdout,
    /delegation\.db: the delegation table, made\n.*state\.db: .*made\n.*sender\.db: .*\nDovecot can tell at once .*\[events\], with config\/dovecot\/2\.3\/events\.conf/,
  );
  t.equal(first.stderr, '');
  await must(mandat('mailbox', 'add', 'alice@lab.test'));
  await must(mandat('delegate', 'add', 'bob@lab.test'));
  await must(mandat('grant', '--no-wait', 'alice@lab.test', 'bob@lab.test'));
  const key = readFileSync(path.join(directory, 'data/private/seal.key'));
  const epoch = sql("SELECT value FROM settings WHERE name = 'epoch'");

  t.match((await must(mandat('init'))).stdout, /delegation table, there already, version \d/);
  const document = (await json('init')) as { files: { file: string; from: number; to: number }[]; sender: string };
  t.same(
    document.files.map(({ file }) => path.basename(file)),
    ['delegation.db', 'state.db'],
  );
  for (const { from, to } of document.files) t.ok(from === to && to >= 1, 'nothing to migrate');
  t.equal(document.sender, path.join(directory, 'data/sender'));
  t.equal(sql('SELECT count(*) FROM delegation'), '1', 'the delegation is there');
  t.equal(sql("SELECT value FROM settings WHERE name = 'epoch'"), epoch, 'it is the same table');
  t.same(readFileSync(path.join(directory, 'data/private/seal.key')), key, 'sealed with the same key');
});

t.test('several at the same time make one', async (t) => {
  const { mandat, sql } = await desk(t, { init: false, config: WITH_SENDERS });
  const all = await Promise.all([1, 2, 3].map(() => mandat('init')));
  t.same(
    all.map(({ status, stderr }) => ({ status, stderr })),
    all.map(() => ({ status: 0, stderr: '' })),
  );
  t.equal(sql("SELECT count(*) FROM settings WHERE name = 'epoch'"), '1');
  t.match(await mandat('mailbox', 'add', 'alice@lab.test'), { status: 0 });
});

t.test('modes, whatever the umask', async (t) => {
  for (const umask of ['077', '000']) {
    const { directory, configFile } = await desk(t, { init: false, config: WITH_SENDERS });
    const init = [...(await builtMandat()), '--config', configFile, 'init'];
    await must(ran(['sh', '-c', `umask ${umask}; exec "$@"`, 'sh', ...init]));
    const modes = Object.fromEntries(
      [
        'table/delegation.db',
        'private',
        'private/state.db',
        'private/seal.key',
        'sender',
        'sender/sender.db',
        'run',
      ].map((name) => [name, mode(path.join(directory, 'data', name))]),
    );
    t.same(
      modes,
      {
        'table/delegation.db': '660',
        private: '700',
        'private/state.db': '600',
        'private/seal.key': '600',
        sender: '2770',
        'sender/sender.db': '660',
        run: '711',
      },
      `umask ${umask}`,
    );
    const data = statSync(path.join(directory, 'data')).mode;
    t.equal(data & 0o001, 0o001, 'Postfix may pass through to its map');
    t.equal(data & 0o006, 0, 'and nobody else may look around or write');
  }
});

t.test('a file that is not ours, or newer than we are, is refused and stays as it is', async (t) => {
  const cases: readonly (readonly [name: string, make: (file: string) => void, says: RegExp, why: string])[] = [
    [
      TABLE,
      (file) => {
        rmSync(file);
        sqlite3(file, 'CREATE TABLE contacts (name TEXT)');
      },
      /not the delegation table/,
      "another program's database",
    ],
    [
      TABLE,
      (file) => sqlite3(file, 'PRAGMA application_id = 1234'),
      /not the delegation table/,
      "another program's, empty yet",
    ],
    [
      TABLE,
      (file) => writeFileSync(file, 'alice@lab.test bob@lab.test\n'.repeat(100)),
      /not a SQLite database, or is damaged/,
      'a text file',
    ],
    [TABLE, (file) => sqlite3(file, 'PRAGMA user_version = 99'), /version 99, newer/, 'a newer one'],
    [
      'data/private/state.db',
      (file) => sqlite3(file, 'PRAGMA user_version = 99'),
      /version 99, newer/,
      'a newer state',
    ],
    [
      'data/private/state.db',
      (file) => sqlite3(file, 'PRAGMA application_id = 1234'),
      /not mandat's own state/,
      "another program's in the state's place",
    ],
    [
      'data/sender/sender.db',
      (file) => sqlite3(file, 'DROP TABLE sender_login; CREATE TABLE sender_login (sender TEXT, login TEXT)'),
      /not the sender map/,
      "a map of somebody else's making",
    ],
    [
      'data/sender/sender.db',
      (file) => writeFileSync(file, 'alice@lab.test bob@lab.test\n'.repeat(100)),
      /not a SQLite database, or is damaged/,
      'a text file in its place',
    ],
  ];
  for (const [name, make, says, why] of cases) {
    const { mandat, json, directory } = await desk(t, { config: WITH_SENDERS });
    const file = path.join(directory, name);
    make(file);
    const before = readFileSync(file);
    const beside = readdirSync(path.dirname(file)).sort();
    t.match(await mandat('init'), { status: 2, stdout: '', stderr: says }, why);
    t.match(
      await json('init'),
      { error: { code: 'config', message: says, hint: /left as it is|data_dir/ } },
      `${why}, as JSON`,
    );
    t.same(readFileSync(file), before, 'not altered');
    t.same(readdirSync(path.dirname(file)).sort(), beside, 'and nothing beside it');
    if (name === TABLE)
      t.match(await mandat('mailbox', 'add', 'x@lab.test'), { status: 2, stderr: says }, 'nor by another command');
  }
});

t.test('an older one is for init to migrate, and for nobody else', async (t) => {
  const { mandat, directory } = await desk(t);
  sqlite3(path.join(directory, 'data/private/state.db'), 'PRAGMA user_version = 0');
  t.match(await mandat('status'), { status: 2, stderr: /version 0, this program needs \d+\n.*mandat init/ });
});

t.test('a group that is not there', async (t) => {
  const { mandat } = await desk(t, {
    init: false,
    config: WITH_SENDERS.replace('[sender_rules]', '[sender_rules]\ngroup = "postfiks"'),
  });
  t.match(await mandat('init'), { status: 2, stderr: /no Unix group "postfiks".*\n.*\[sender_rules\] group/ });
});

t.test(
  'a data directory that Postfix cannot pass through is spoken of, since every lookup there would fail',
  async (t) => {
    const { mandat, json, directory } = await desk(t, { config: WITH_SENDERS });
    t.equal((await mandat('init')).stderr, '');
    const data = path.join(directory, 'data');
    chmodSync(data, 0o750);
    const { status, stderr } = await mandat('init');
    t.equal(status, 0);
    t.match(stderr, new RegExp(`postfix.*${data}.*750`, 's'));
    t.match(stderr, /chmod o\+x/);
    t.match(await json('init'), { unreachable: [data] });
    t.equal(mode(data), '750', "it is the administrator's directory");
  },
);
