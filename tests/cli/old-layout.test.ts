/** `mandat init` on the files of a mandat that kept them all in data_dir, where group mandat could write. */
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { takeLock } from '../../bridge/store/files/lock.ts';
import { asShell, row } from '../store/shell.ts';
import { type Desk, desk, must, WITH_SENDERS } from './desk.ts';

const PRIVATE = ['state.db', 'seal.key', 'submission.db', 'white-list.json', 'directory-1.db', 'correspondence-3.db'];
const mode = (file: string) => (statSync(file).mode & 0o7777).toString(8);

/** A process that ends: no file may be open afterwards. */
const ITS_OWN = { started: () => {} };

/** A desk with a delegation, its files laid out as they were. */
async function oldDesk(t: Test): Promise<Desk & { readonly data: string; at(...names: string[]): string }> {
  const made = await desk(t, { config: `${WITH_SENDERS}[submission]\n` });
  const data = path.join(made.directory, 'data');
  const at = (...names: string[]) => path.join(data, ...names);
  await must(made.mandat('mailbox', 'add', 'alice@lab.test'));
  await must(made.mandat('delegate', 'add', 'bob@lab.test'));
  await must(made.mandatWith(ITS_OWN, 'grant', 'alice@lab.test', 'bob@lab.test', '--no-wait'));
  await made.mandatWith(ITS_OWN, 'sync'); // nobody answers, but the lock is there then, and the events are sealed
  for (const place of ['table', 'private']) {
    for (const name of readdirSync(at(place))) renameSync(at(place, name), at(name));
  }
  new Database(at('submission.db')).exec('PRAGMA application_id = 0x6d616e34; PRAGMA journal_mode = WAL').close();
  for (const name of ['white-list.json', 'directory-1.db', 'correspondence-3.db']) writeFileSync(at(name), name);
  for (const name of ['table', 'private', 'run']) rmdirSync(at(name));
  chmodSync(data, 0o2771);
  return { ...made, data, at };
}

const moved = (at: (...names: string[]) => string) => {
  if (!lstatSync(at('delegation.db')).isSymbolicLink()) return 'the table lies where it lay';
  const missing = PRIVATE.filter((name) => existsSync(at(name)) || !existsSync(at('private', name)));
  return missing.length === 0 ? 'all' : `not moved: ${missing.join(', ')}`;
};

t.test('all is moved, and what was done is said', async (t) => {
  const { mandat, json, data, at } = await oldDesk(t);
  const key = readFileSync(at('seal.key'), 'utf8');
  for (const command of [['list'], ['status'], ['sync'], ['audit', 'verify'], ['run']]) {
    const { status, stderr } = await mandat(...command);
    t.equal(status, 2, command.join(' '));
    t.match(stderr, /delegation\.db, .*an older mandat kept its files there.*\n +.*"mandat init" moves them/);
  }
  t.match(await mandat('doctor'), { status: 1, stdout: /data directory.*older mandat/ });

  const { stdout, stderr } = await must(mandat('init'));
  t.equal(stderr, '');
  t.match(stdout, `${data}: mode 2771 is 711 now: only its owner writes there\n`);
  for (const name of PRIVATE) t.match(stdout, `${at(name)}: moved to ${at('private', name)}\n`);
  t.match(stdout, `${at('delegation.db')}: moved to ${at('table/delegation.db')}; a link stays`);
  t.match(stdout, `the sockets are in ${at('run')} now`);
  t.equal(moved(at), 'all');
  t.notOk(existsSync(at('sidecar.lock')), 'nor the lock of old');
  t.equal(readFileSync(at('private/seal.key'), 'utf8'), key);
  t.same(
    ['table', 'private', 'table/delegation.db', 'private/state.db'].map((name) => mode(at(name)).slice(-3)),
    [mode(at('table')).slice(-3), '700', '660', '600'],
  );
  t.match(await mandat('list'), { status: 0, stdout: /alice@lab\.test +bob@lab\.test/ });
  t.match(await mandat('audit', 'verify'), { status: 0, stdout: /intact/ });

  t.equal(readlinkSync(at('delegation.db')), 'table/delegation.db');
  asShell(at('delegation.db'), "DELETE FROM delegation WHERE mailbox = 'alice@lab.test'");
  t.equal(
    row(at('table/delegation.db'), 'SELECT count(*) FROM delegation'),
    '0',
    'a program that knows the old place writes the same table',
  );
  t.equal(row(at('table/delegation.db'), 'PRAGMA journal_mode'), 'wal');
  t.notOk(existsSync(at('delegation.db-wal')));

  t.same(((await json('init')) as { moved: string[] }).moved, [], 'there is nothing more to move');
});

t.test('interrupted at any moment: the next init ends it', async (t) => {
  const states: readonly (readonly [what: string, make: (at: (...names: string[]) => string) => void])[] = [
    ['before anything', (at) => chmodSync(at(), 0o711)],
    ['one file moved', (at) => renameSync(at('state.db'), at('private/state.db'))],
    ['the key moved', (at) => renameSync(at('seal.key'), at('private/seal.key'))],
    [
      'the table has both names',
      (at) => {
        const database = new Database(at('delegation.db'));
        database.pragma('journal_mode = DELETE');
        database.close();
        linkSync(at('delegation.db'), at('table/delegation.db'));
      },
    ],
    [
      'the link not yet in its place',
      (at) => {
        linkSync(at('delegation.db'), at('table/delegation.db'));
        symlinkSync('table/delegation.db', at(`delegation.db.${process.pid}`));
      },
    ],
    [
      'the table moved, and not yet as it is written',
      (at) => {
        const database = new Database(at('delegation.db'));
        database.pragma('journal_mode = DELETE');
        database.close();
        renameSync(at('delegation.db'), at('table/delegation.db'));
        symlinkSync('table/delegation.db', at('delegation.db'));
      },
    ],
  ];
  for (const [what, make] of states) {
    const { mandat, at } = await oldDesk(t);
    mkdirSync(at('table'), { mode: 0o700 });
    mkdirSync(at('private'), { mode: 0o700 });
    make(at);
    t.match(await mandat('list'), { status: 2, stderr: /mandat init/ }, `${what}: nothing works on half of it`);
    await must(mandat('init'));
    t.equal(moved(at), 'all', what);
    t.match(await mandat('list'), { status: 0, stdout: /bob@lab\.test/ }, what);
    t.equal(row(at('table/delegation.db'), 'PRAGMA journal_mode'), 'wal', what);
  }
});

t.test('not beside a sidecar, nor another program that has a file open', async (t) => {
  const { mandat, at } = await oldDesk(t);
  const lock = takeLock(at('sidecar.lock'));
  t.match(await mandat('init'), { status: 3, stderr: /a sidecar is running/ });
  t.ok(lstatSync(at('delegation.db')).isFile() && existsSync(at('state.db')), 'nothing was moved');
  lock.release();

  const other = new Database(at('delegation.db'));
  other.prepare('SELECT count(*) FROM mailboxes').get();
  t.match(await mandat('init'), { status: 5, stderr: /another program has the delegation table .*open\n.*fuser/ });
  t.ok(lstatSync(at('delegation.db')).isFile(), 'the table was not moved');
  t.equal(other.prepare('SELECT count(*) FROM delegations').pluck().get(), 1, 'who has it open goes on');
  other.close();
  await must(mandat('init'));
  t.equal(moved(at), 'all');
});

t.test('what nobody of ours made is not moved, and nothing is replaced', async (t) => {
  const foreign: readonly (readonly [
    what: string,
    make: (at: (...names: string[]) => string) => void,
    says: RegExp,
  ])[] = [
    [
      'a link in the place of the key',
      (at) => {
        rmSync(at('seal.key'));
        symlinkSync('/etc/hostname', at('seal.key'));
      },
      /seal\.key is a link that mandat never made/,
    ],
    [
      "another program's database",
      (at) => asShell(at('state.db'), 'PRAGMA application_id = 7'),
      /not mandat's own state/,
    ],
    [
      'a link in the place of the directory',
      (at) => symlinkSync('/tmp', at('private')),
      /private is no directory, but a link/,
    ],
    [
      'two tables',
      (at) => {
        mkdirSync(at('table'), { mode: 0o700 });
        writeFileSync(at('table/delegation.db'), 'another');
      },
      /delegation\.db and .*table\/delegation\.db are both there/,
    ],
  ];
  for (const [what, make, says] of foreign) {
    const { mandat, at } = await oldDesk(t);
    make(at);
    const { status, stderr } = await mandat('init');
    t.equal(status, 2, what);
    t.match(stderr, says, what);
    t.ok(existsSync(at('delegation.db')), `${what}: the table is there`);
  }
  t.notOk(readdirSync('/tmp').includes('state.db'), 'nothing went where the link led');
});
