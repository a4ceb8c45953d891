/** `mandat backup` and `mandat restore` at a desk without servers: what is copied, what is refused, and that what was there is never lost. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { takeLock } from '../../bridge/store/files/lock.ts';
import { state1 } from '../../bridge/store/migrations/state-1.ts';
import { type Desk, desk, must } from '../cli/desk.ts';
import { prepare, row, rows } from '../store/shell.ts';

const isRoot = process.geteuid?.() === 0;

interface Backed extends Desk {
  readonly files: ReturnType<typeof dataFiles>;
  /** A backup with alice and bob, and not carol. */
  readonly backup: string;
}

async function backed(t: Test, ...options: readonly string[]): Promise<Backed> {
  const made = await desk(t);
  await must(made.mandat('mailbox', 'add', 'alice@lab.test'));
  await must(made.mandat('delegate', 'add', 'bob@lab.test'));
  await made.mandat('sync'); // nobody answers, but what happened is sealed
  const backup = path.join(made.directory, 'backup');
  await must(made.mandat('backup', ...options, backup));
  await must(made.mandat('delegate', 'add', 'carol@lab.test'));
  await made.mandat('sync');
  return { ...made, files: dataFiles(path.join(made.directory, 'data')), backup };
}

const delegates = (file: string) => rows(file, 'SELECT identifier FROM delegates ORDER BY identifier');
const BEFORE = ['bob@lab.test'];
const NOW = ['bob@lab.test', 'carol@lab.test'];

/** All that may count: names, modes and contents below the data directory, but logs of writes and the lock. */
function contents({ files }: Backed): Record<string, string> {
  const names = readdirSync(files.directory, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !/-(wal|shm)$|sidecar\.lock/.test(name),
  );
  return Object.fromEntries(
    names.map((name) => {
      const file = path.join(files.directory, name);
      const stat = statSync(file);
      return [
        name,
        `${stat.mode.toString(8)} ${stat.isFile() && !name.endsWith('.db') ? readFileSync(file, 'utf8') : ''}`,
      ];
    }),
  );
}

t.test('there and back again', async (t) => {
  const here = await backed(t);
  const { mandat, files, backup } = here;
  t.same(readdirSync(backup).sort(), [
    'delegation.db',
    'mandat.toml',
    'manifest.json',
    'seal.head',
    'seal.key',
    'state.db',
  ]);
  for (const name of readdirSync(backup)) t.equal(statSync(path.join(backup, name)).mode & 0o777, 0o600, name);
  t.equal(statSync(backup).mode & 0o777, 0o700);
  t.match(JSON.parse(readFileSync(path.join(backup, 'manifest.json'), 'utf8')), {
    files: [{ name: 'delegation.db', database: { rows: { mailboxes: 1, delegates: 1, delegations: 0 } } }],
    trail: { why: null },
  });
  const later = row(files.state, 'SELECT max(id) FROM audit');

  t.match(await mandat('restore', backup), { status: 2, stderr: /asks before.*nothing was changed/ }, 'without --yes');
  t.same(delegates(files.delegations), NOW);
  const { stdout } = await must(mandat('restore', backup, '--yes'));
  t.match(stdout, /its audit trail was proven/);
  t.same(delegates(files.delegations), BEFORE);
  t.match(await mandat('audit', 'verify'), { status: 0 });
  t.match(await mandat('status'), { stdout: /older than the one last seen.*restore accept/ });
  const aside = /what was there lies in (.*)/.exec(stdout)?.[1] ?? '';
  t.same(delegates(path.join(aside, 'delegation.db')), NOW, 'what was there is kept');
  t.equal(row(path.join(aside, 'state.db'), 'SELECT max(id) FROM audit'), later);
  t.same(readdirSync(aside).sort(), ['delegation.db', 'seal.head', 'seal.key', 'state.db']);
  t.equal(statSync(aside).mode & 0o777, 0o700);
  t.equal(statSync(files.delegations).mode & 0o777, 0o660);
  t.equal(statSync(files.state).mode & 0o777, 0o600);
  await mandat('sync');
  t.match(await mandat('audit'), { stdout: /restore .*taken=2/ }, 'it stands in the trail');
  t.match(await mandat('audit', 'verify'), { status: 0 });
  t.match(await must(mandat('restore', 'accept', '--yes')), { stdout: /obeyed in full/ });
  t.match(await must(mandat('restore', backup, '--yes')), { stdout: /restored/ }, 'and once more');
});

t.test('into an empty place, and one where init has been', async (t) => {
  for (const [how, prepareIt] of [
    ['nothing there', async (_: Backed) => {}],
    ['after mandat init', async ({ mandat }: Backed) => void (await must(mandat('init')))],
  ] as const) {
    await t.test(how, async (t) => {
      const here = await backed(t);
      rmSync(here.files.directory, { recursive: true });
      await prepareIt(here);
      const restored = await here.mandat('restore', here.backup, '--yes');
      t.match(restored, { status: 0 }, restored.stderr);
      t.same(delegates(here.files.delegations), BEFORE);
      t.match(await here.mandat('audit', 'verify'), { status: 0 });
      t.match(await here.mandat('list'), { status: 0 });
    });
  }
});

t.test('what is damaged is replaced, and kept too', async (t) => {
  const here = await backed(t);
  writeFileSync(here.files.state, 'no database');
  for (const end of ['-wal', '-shm']) rmSync(here.files.state + end, { force: true });
  const { stdout } = await must(here.mandat('restore', here.backup, '--yes'));
  const aside = /what was there lies in (.*)/.exec(stdout)?.[1] ?? '';
  t.equal(readFileSync(path.join(aside, 'state.db'), 'utf8'), 'no database');
  t.match(await here.mandat('audit', 'verify'), { status: 0 });
});

t.test('a backup that can not be right is refused, and nothing is changed', async (t) => {
  const flipped = (file: string) => {
    const bytes = readFileSync(file);
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  };
  const edit = (backup: string, change: (manifest: Record<string, unknown>) => void) => {
    const file = path.join(backup, 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    change(manifest);
    writeFileSync(file, JSON.stringify(manifest));
  };
  /** What was done to it, how, what is said. */
  type Case = readonly [string, (backup: string, here: Backed) => unknown, RegExp];
  const others: readonly Case[] = isRoot
    ? [
        ['of somebody else', (backup) => chownSync(backup, 65_534, 65_534), /belongs to user 65534/],
        [
          'one file of somebody else',
          (backup) => chownSync(path.join(backup, 'state.db'), 65_534, 65_534),
          /state\.db belongs to user 65534/,
        ],
      ]
    : [];
  const table: readonly Case[] = [
    ['gone', (backup) => rmSync(backup, { recursive: true }), /is not there/],
    [
      'a file',
      (backup) => {
        rmSync(backup, { recursive: true });
        writeFileSync(backup, '');
      },
      /no directory/,
    ],
    [
      'a link',
      (backup) => {
        renameSync(backup, `${backup}.real`);
        symlinkSync(`${backup}.real`, backup);
      },
      /is a link, which mandat does not follow/,
    ],
    [
      'empty',
      (backup) => {
        rmSync(backup, { recursive: true });
        mkdirSync(backup, { mode: 0o700 });
      },
      /no manifest\.json/,
    ],
    ['never finished', (backup) => rmSync(path.join(backup, 'manifest.json')), /never finished/],
    [
      'a manifest of nobody',
      (backup) => writeFileSync(path.join(backup, 'manifest.json'), '{'),
      /damaged, or of another version/,
    ],
    [
      'a later format',
      (backup) => edit(backup, (one) => Object.assign(one, { format: 'mandat backup 2' })),
      /another version/,
    ],
    [
      'an altered manifest',
      (backup) => edit(backup, (one) => Object.assign(one, { version: 1_000_000 })),
      /not written with this key/,
    ],
    [
      'a name that leads elsewhere',
      (backup) => edit(backup, (one) => Object.assign((one.files as object[])[0] ?? {}, { name: '../x' })),
      /damaged/,
    ],
    ['without the state', (backup) => rmSync(path.join(backup, 'state.db')), /state\.db is not there/],
    [
      'half a table',
      (backup) =>
        writeFileSync(
          path.join(backup, 'delegation.db'),
          readFileSync(path.join(backup, 'delegation.db')).subarray(0, 4096),
        ),
      /has 4096 octets/,
    ],
    ['one bit', (backup) => flipped(path.join(backup, 'state.db')), /checksum differs/],
    [
      'a link in it',
      (backup) => {
        renameSync(path.join(backup, 'state.db'), `${backup}.state`);
        symlinkSync(`${backup}.state`, path.join(backup, 'state.db'));
      },
      /is a link/,
    ],
    [
      'a link for the manifest',
      (backup) => {
        renameSync(path.join(backup, 'manifest.json'), `${backup}.m`);
        symlinkSync(`${backup}.m`, path.join(backup, 'manifest.json'));
      },
      /is a link/,
    ],
    ['others may write it', (backup) => chmodSync(backup, 0o777), /may be written by everybody/],
    ['others may enter it', (backup) => chmodSync(backup, 0o755), /may be entered by others/],
    ...others,
    [
      'of another table',
      async (_, here) => {
        // What is there now is another site's.
        rmSync(here.files.directory, { recursive: true });
        await must(here.mandat('init'));
        await must(here.mandat('mailbox', 'add', 'zoe@lab.test'));
      },
      /another delegation table.*nothing was changed/s,
    ],
  ];
  for (const [what, spoil, said] of table) {
    await t.test(what, async (t) => {
      const here = await backed(t);
      await spoil(here.backup, here);
      const before = contents(here);
      const refused = await here.mandat('restore', here.backup, '--yes');
      t.equal(refused.status, 2, refused.stdout + refused.stderr);
      t.match(refused.stderr, said);
      t.same(contents(here), before);
      t.equal(row(here.files.delegations, 'PRAGMA integrity_check') ?? 'ok', 'ok');
    });
  }
});

t.test('files that belong together and are not of one backup', async (t) => {
  const here = await backed(t);
  const second = path.join(here.directory, 'second');
  await must(here.mandat('backup', second));
  copyFileSync(path.join(second, 'state.db'), path.join(here.backup, 'state.db'));
  t.match(await here.mandat('restore', here.backup, '--yes'), { status: 2, stderr: /state\.db .*(octets|checksum)/ });
});

t.test('beside a sidecar, or a program that has the table open', async (t) => {
  const here = await backed(t);
  const lock = takeLock(here.files.lock);
  t.match(await here.mandat('restore', here.backup, '--yes'), {
    status: 3,
    stderr: /a sidecar is running.*MANDAT_RUNNING/,
  });
  const beside = path.join(here.directory, 'beside');
  await must(here.mandat('backup', beside));
  lock.release();
  const other = new Database(here.table);
  other.prepare('SELECT count(*) FROM delegates').get();
  const before = contents(here);
  t.match(await here.mandat('restore', here.backup, '--yes'), { status: 5, stderr: /has the delegation table .*open/ });
  t.same(contents(here), before);
  t.same(delegates(here.files.delegations), NOW);
  other.close();
  for (const file of [here.files.delegations, here.files.state])
    t.equal(row(file, 'SELECT journal_mode FROM pragma_journal_mode'), 'wal', file);
  await must(here.mandat('restore', here.backup, '--yes'));
});

t.test('a restore that was killed keeps the sidecar from starting until it is done again', async (t) => {
  const here = await backed(t);
  writeFileSync(path.join(here.files.privateDirectory, 'restore.unfinished'), '');
  writeFileSync(`${here.files.state}.restore`, 'half');
  for (const command of [['sync'], ['backup', path.join(here.directory, 'no')]])
    t.match(await here.mandat(...command), { status: 2, stderr: /begun and not ended.*MANDAT_HALF_RESTORED/ });
  t.notOk(existsSync(path.join(here.directory, 'no/manifest.json')));
  await must(here.mandat('restore', here.backup, '--yes'));
  t.match(await here.mandat('sync'), { status: 5 });
});

t.test('the key kept apart', async (t) => {
  const here = await backed(t, '--without-key');
  t.notOk(existsSync(path.join(here.backup, 'seal.key')));
  const key = readFileSync(here.files.sealKey);
  writeFileSync(here.files.sealKey, 'a'.repeat(64), { mode: 0o600 });
  t.match(await here.mandat('restore', here.backup, '--yes'), { status: 2, stderr: /not written with this key/ });
  writeFileSync(here.files.sealKey, key);
  await must(here.mandat('restore', here.backup, '--yes'));
  t.same(readFileSync(here.files.sealKey), key);
  t.match(await here.mandat('audit', 'verify'), { status: 0 });
});

t.test('many of them, by date', async (t) => {
  const here = await backed(t);
  const all = path.join(here.directory, 'all');
  for (let n = 0; n < 3; n++) await must(here.mandat('backup', '--keep', '2', all));
  t.equal(readdirSync(all).length, 2);
  const torn = path.join(all, '2020-01-01T000000Z');
  const strange = path.join(all, '2020-01-02T000000Z');
  for (const one of [torn, strange, path.join(all, 'other')]) mkdirSync(one, { mode: 0o700 });
  writeFileSync(path.join(torn, 'state.db'), '');
  writeFileSync(path.join(strange, 'letters.txt'), 'mine');
  t.match(await must(here.mandat('backup', '--keep', '2', all)), { stderr: /2020-01-02.* was left/ });
  t.equal(readdirSync(all).length, 4, 'what was never finished goes, what is not ours stays');
  t.ok(existsSync(path.join(strange, 'letters.txt')));
  t.match(await here.mandat('backup', '--keep', '0', all), { status: 2 });
});

t.test('where a backup may not go', async (t) => {
  const here = await backed(t);
  t.match(await here.mandat('backup', here.backup), { status: 2, stderr: /is not empty .*nothing is overwritten/ });
  const open = path.join(here.directory, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  t.match(await here.mandat('backup', path.join(open, 'b')), { status: 2, stderr: /may be written by everybody/ });
  t.same(readdirSync(open), []);
  symlinkSync(here.directory, path.join(here.directory, 'way'));
  t.match(await here.mandat('backup', path.join(here.directory, 'way')), { status: 2, stderr: /is a link/ });
  t.match(await here.mandat('backup', path.join(here.directory, 'a/b')), { status: 2, stderr: /is not there/ });
  t.match(await here.mandat('backup'), { status: 2, stderr: /missing required argument/ });
  t.match(await here.mandat('restore'), { status: 2, stderr: /mandat restore DIR/ });
});

t.test('a trail that is broken is copied, and said to be; and given back only as what it is', async (t) => {
  const here = await backed(t);
  prepare(here.files.state, "DROP TRIGGER audit_updating; UPDATE audit SET actor = 'x' WHERE id = 1");
  const second = path.join(here.directory, 'second');
  t.match(await here.mandat('backup', second), { status: 1, stderr: /not proven: .*broken at entry 1/ });
  t.match(await here.mandat('restore', second, '--yes'), { status: 1, stderr: /not proven: .*broken at entry 1/ });
  t.match(await here.mandat('audit', 'verify'), { status: 1 });
});

t.test('of databases that are older than the program: as they are, and migrated when put back', async (t) => {
  const here = await backed(t);
  for (const end of ['', '-wal', '-shm']) rmSync(here.files.state + end, { force: true });
  prepare(
    here.files.state,
    `PRAGMA journal_mode = WAL; ${state1}; PRAGMA application_id = ${0x6d616e32}; PRAGMA user_version = 1`,
  );
  chmodSync(here.files.state, 0o600);
  const old = path.join(here.directory, 'old');
  t.match(await here.mandat('backup', old), { status: 1, stderr: /older version/ }, 'its trail is not proven');
  t.equal(row(path.join(old, 'state.db'), 'SELECT user_version FROM pragma_user_version'), '1');
  t.equal(row(here.files.state, 'SELECT user_version FROM pragma_user_version'), '1', 'nothing is migrated by it');
  const restored = await here.mandat('restore', old, '--yes');
  t.same(delegates(here.files.delegations), NOW, restored.stderr);
  t.match(await here.mandat('list'), { status: 0 });
});
