/** What somebody who may write the table can do to mandat's other files, and what root's commands touch. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
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
import t, { type Test } from 'tap';
import { systemGroup, systemUser } from '../../config/lab/system-ids.ts';
import { extractOf, personLines } from '../directory/extract-maker.ts';
import { builtMandat } from './built.ts';
import { ran } from './commands.ts';
import { type Desk, desk, WITH_SENDERS } from './desk.ts';

const skip = process.geteuid?.() !== 0 && 'only root is several users';
/** Stand for user mandat, and for another program's user in group mandat. */
const OURS = systemUser('mail');
const OTHER = 65_534;
const GROUP = 65_533;

/** All of it belongs to user mandat; the table's directory is for the group. */
async function installed(t: Test, config = WITH_SENDERS) {
  const made = await desk(t, { config });
  const data = path.join(made.directory, 'data');
  const at = (...names: string[]) => path.join(data, ...names);
  give(data);
  chownSync(at('table'), OURS.uid, GROUP);
  chmodSync(at('table'), 0o2770);
  chownSync(at('table/delegation.db'), OURS.uid, GROUP);
  chownSync(at('sender'), OURS.uid, systemGroup('postfix'));
  chmodSync(at('sender'), 0o2770);
  chownSync(path.join(made.directory, 'imap.secret'), OURS.uid, OURS.gid);
  return { ...made, data, at };
}

function give(directory: string): void {
  chownSync(directory, OURS.uid, OURS.gid);
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    chownSync(path.join(directory, name), OURS.uid, OURS.gid);
  }
}

/** In a process of its own, which root's becoming another user ends with. */
async function asRoot({ configFile }: Desk, ...args: readonly string[]) {
  return ran([...(await builtMandat()), '--config', configFile, ...args]);
}

/** As a program of the group: whether a shell command of theirs succeeded. */
function member(command: string): boolean {
  const program = ['setpriv', `--reuid=${OTHER}`, `--regid=${GROUP}`, '--clear-groups', 'sh', '-c', command] as const;
  const [file, ...args] = program;
  return spawnSync(file, args).status === 0;
}

t.test('root becomes whom the data belongs to', { skip }, async (t) => {
  const made = await installed(t);
  for (const [args, status] of [
    [['init'], 0],
    [['mailbox', 'add', 'alice@lab.test'], 0],
    [['delegate', 'add', 'bob@lab.test'], 0],
    [['grant', 'alice@lab.test', 'bob@lab.test', '--no-wait'], 0],
    [['sync'], 5], // nobody answers
    [['status'], 1],
    [['audit'], 0],
    [['list'], 0],
  ] as const) {
    const { status: ended, stdout, stderr } = await asRoot(made, ...args);
    t.equal(ended, status, `${args.join(' ')}: ${stdout}${stderr}`);
  }
  const roots = readdirSync(made.data, { recursive: true, encoding: 'utf8' }).filter(
    (name) => lstatSync(made.at(name)).uid !== OURS.uid,
  );
  t.same(roots, [], 'nothing of it was made by root');
  t.ok(existsSync(made.at('private/sidecar.lock')));
  t.match(made.sql('SELECT created_by FROM delegation'), /^admin:/, 'and the trail knows who was at the keyboard');
});

t.test('who may write the table reaches nothing else', { skip }, async (t) => {
  const made = await installed(t, `${WITH_SENDERS}[submission]\n`);
  const { at } = made;
  await asRoot(made, 'sync');
  t.ok(
    member(`sqlite3 ${at('table/delegation.db')} "INSERT INTO mailbox (address) VALUES ('alice@lab.test')"`),
    'the table is theirs to write',
  );
  const tries = [
    `touch ${at('copy.sock')}`,
    `touch ${at('run/copy.sock')}`,
    `ln -s /etc/passwd ${at('sidecar.lock.pid')}`,
    `ln -s /etc/passwd ${at('private/sidecar.lock.pid')}`,
    `mv ${at('private/state.db')} ${at('table')}`,
    `mv ${at('private')} ${at('elsewhere')}`,
    `mv ${at('sender')} ${at('elsewhere')}`,
    `mv ${at('table')} ${at('elsewhere')}`,
    `rm ${at('private/seal.key')}`,
    `cat ${at('private/seal.key')}`,
    `ls ${at('private')}`,
    `ls ${at('sender')}`,
  ];
  for (const command of tries) t.notOk(member(command), command.replaceAll(made.data, '.'));
  t.match(await asRoot(made, 'audit', 'verify'), { status: 0 });
});

t.test('a link in the place of the table, and of what SQLite puts beside it, is not followed', { skip }, async (t) => {
  const made = await installed(t);
  const { at } = made;
  const target = path.join(made.directory, 'of-root');
  writeFileSync(target, 'precious');
  for (const name of ['delegation.db', 'delegation.db-wal', 'delegation.db-shm']) {
    await asRoot(made, 'list');
    t.ok(member(`cd ${at('table')} && { [ ! -e ${name} ] || mv ${name} aside; } && ln -s ${target} ${name}`), name);
    for (const command of [['mailbox', 'add', 'zoe@lab.test'], ['sync'], ['init']]) {
      const { status, stderr } = await asRoot(made, ...command);
      t.equal(status, 2, `${name}, ${command.join(' ')}: ${stderr}`);
      if (name === 'delegation.db') t.match(stderr, /delegation\.db is a link, which mandat doesn't follow/);
    }
    t.equal(readFileSync(target, 'utf8'), 'precious');
    t.equal(statSync(target).uid, 0);
    t.ok(member(`cd ${at('table')} && rm ${name} && { [ ! -e aside ] || mv aside ${name}; }`));
  }
  t.match(await asRoot(made, 'mailbox', 'add', 'zoe@lab.test'), { status: 0 }, 'mended');
});

t.test('directories that others than their owner may write or enter are refused at each start', { skip }, async (t) => {
  const made = await installed(t, `${WITH_SENDERS}[submission]\n`);
  const { at } = made;
  const away = () => renameSync(at('private'), at('elsewhere'));
  const rows: readonly (readonly [what: string, open: () => void, close: () => void, says: RegExp])[] = [
    [
      'data_dir is for the group',
      () => chmodSync(at(), 0o2771),
      () => chmodSync(at(), 0o711),
      /data may be written by group/,
    ],
    [
      'private is for the group',
      () => chmodSync(at('private'), 0o750),
      () => chmodSync(at('private'), 0o700),
      /private has mode 750: others may enter it\n +chmod 700/,
    ],
    [
      'table is for everybody',
      () => chmodSync(at('table'), 0o2777),
      () => chmodSync(at('table'), 0o2770),
      /table has mode 2777: others may write there/,
    ],
    [
      'private is a link',
      () => {
        away();
        symlinkSync(at('elsewhere'), at('private'));
      },
      () => {
        rmSync(at('private'));
        renameSync(at('elsewhere'), at('private'));
      },
      /private is no directory, but a link/,
    ],
    [
      "table is somebody else's",
      () => chownSync(at('table'), OTHER, GROUP),
      () => chownSync(at('table'), OURS.uid, GROUP),
      /table belongs to user 65534/,
    ],
    [
      "sender is somebody else's",
      () => chownSync(at('sender'), OTHER, systemGroup('postfix')),
      () => chownSync(at('sender'), OURS.uid, systemGroup('postfix')),
      /sender belongs to user 65534/,
    ],
  ];
  for (const [what, open, close, says] of rows) {
    open();
    for (const command of ['run', 'list']) {
      t.match(await asRoot(made, command), { status: 2, stdout: '', stderr: says }, `${what}: ${command}`);
    }
    t.match(await asRoot(made, 'doctor'), { status: 1, stdout: /FAIL +data directory/ }, `${what}: doctor`);
    close();
  }
  t.match(await asRoot(made, 'list'), { status: 0 });
});

t.test('a socket in a directory that others may write is not listened on', { skip }, async (t) => {
  const made = await installed(t, `${WITH_SENDERS}[submission]\n`);
  const { at } = made;
  chmodSync(at('run'), 0o2771);
  chownSync(at('run'), OURS.uid, GROUP);
  t.match(await asRoot(made, 'filter'), {
    status: 2,
    stderr: /can't listen on .*run\/copy\.sock: .*run may be written by group.*\n.*runtime_dir/,
  });
  t.match(await asRoot(made, 'doctor'), { stdout: /FAIL +sockets .*run may be written by group/ });
  chownSync(at('run'), OTHER, GROUP);
  chmodSync(at('run'), 0o711);
  t.match(await asRoot(made, 'filter'), { status: 2, stderr: /run belongs to user 65534/ });
  writeFileSync(
    made.configFile,
    `${WITH_SENDERS}[submission]\nlisten = "/tmp/mandat-filter.sock"\nsent_copy = "none"\n`,
  );
  t.notOk(existsSync('/tmp/mandat-filter.sock'));
});

function zipped(file: string): Buffer {
  const program = `import sys, zipfile, io
b = io.BytesIO()
with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED) as z: z.write(sys.argv[1], "extract.txt")
sys.stdout.buffer.write(b.getvalue())`;
  return spawnSync('python3', ['-c', program, file]).stdout;
}

t.test("what the user names is the user's: root's own files are read and written as root", { skip }, async (t) => {
  const made = await installed(t);
  const own = path.join(made.directory, 'of-root');
  mkdirSync(own, { mode: 0o700 });
  const file = (name: string, content: string | Buffer) => {
    writeFileSync(path.join(own, name), content, { mode: 0o600 });
    return path.join(own, name);
  };
  await asRoot(made, 'mailbox', 'add', 'alice@lab.test');
  await asRoot(made, 'delegate', 'add', 'bob@lab.test');
  const rows = file('grants.csv', 'mailbox,delegate\nalice@lab.test,bob@lab.test\n');
  t.match(await asRoot(made, 'grant', '--no-wait', '--from', rows), { status: 0 }, 'a table of delegations');
  const until = file('credentials.csv', 'identifier,valid_until\nbob@lab.test,2099-12-31\n');
  t.match(await asRoot(made, 'delegate', 'sync', until, '--no-wait'), { status: 0 }, 'of credentials');
  for (const name of ['extract.txt', 'extract.zip']) {
    const text = extractOf([1, 2, 3].flatMap(personLines));
    const content = name.endsWith('.zip') ? zipped(file('extract.txt', text)) : text;
    const { status, stderr } = await asRoot(made, 'directory', 'import', file(name, content));
    t.equal(status, 0, `${name}: ${stderr}`);
  }
  t.match(await asRoot(made, 'notices', 'templates', path.join(own, 'words')), { status: 0 });
  t.equal(statSync(path.join(own, 'words')).uid, 0, 'nothing of it is of mandat');
  t.equal(statSync(made.at('private/directory-2.db')).uid, OURS.uid);
});
