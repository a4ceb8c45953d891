import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { builtDirectory, builtMandat, NODE } from './built.ts';
import { ran } from './commands.ts';
import { type Desk, desk } from './desk.ts';

/** An ordinary user of the machine, in no group but their own. */
const UID = 65534;
const AS_NOBODY = ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups'];

/** A checkout below root's own directory is closed to everybody else. */
async function whyNot(): Promise<string | false> {
  const built = path.join(await builtDirectory(), 'cli/main.js');
  const [file = '', ...args] = [...AS_NOBODY, ...NODE, built, '--version'];
  return spawnSync(file, args).status === 0 ? false : 'an ordinary user may not read this checkout';
}

const skip = await whyNot();

async function asNobody({ configFile }: Desk, ...args: readonly string[]) {
  return ran([...AS_NOBODY, ...(await builtMandat()), '--config', configFile, ...args]);
}

const ROWS = `INSERT INTO mailbox (address) VALUES ('alice@lab.test'); INSERT INTO delegate (id) VALUES ('bob'), ('carol');
  INSERT INTO delegation (mailbox, delegate) VALUES ('alice@lab.test', 'bob')`;

t.test('a user who may read nothing', { skip }, async (t) => {
  const made = await desk(t);
  made.sql(ROWS);
  const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['list'], /delegation\.db/],
    [['init'], /data/],
    [['grant', 'alice@lab.test', 'carol'], /delegation\.db/],
    [['revoke', 'alice@lab.test', 'bob', '--yes'], /delegation\.db/],
    [['mailbox', 'list'], /delegation\.db/],
    [['status'], /sidecar\.lock|state\.db|delegation\.db/],
    [['sync'], /sidecar\.lock|state\.db|delegation\.db/],
    [['sync', '--dry-run'], /delegation\.db/],
    [['verify'], /imap\.secret.*cannot be read/s],
    [['run'], /data/],
    [['restore', 'accept', '--yes'], /state\.db/],
  ];
  await made.mandat('sync'); // no server answers, but all files are there then
  for (const [args, says] of cases) {
    const { status, stdout, stderr } = await asNobody(made, ...args);
    t.match({ status, stdout, stderr }, { status: 2, stdout: '', stderr: says }, args.join(' '));
    t.match(stderr, /user 65534|the user that runs mandat/, 'and says who may not');
  }
  t.equal(made.sql('SELECT count(*) FROM delegation'), '1');
  chmodSync(made.configFile, 0o600);
  t.match(await asNobody(made, 'list'), { status: 2, stderr: /mandat\.toml.*may not be read/s });
});

t.test('a user who may write to the table and see nothing else, as programs of group mandat', { skip }, async (t) => {
  const made = await desk(t);
  made.sql(ROWS);
  await made.mandat('sync');
  const place = path.dirname(made.table);
  chownSync(place, 0, UID);
  chmodSync(place, 0o2770);
  chownSync(made.table, 0, UID);

  const listed = await asNobody(made, 'list');
  t.match(listed, {
    status: 0,
    stdout: /alice@lab\.test +bob .* granted /,
    stderr: /not what the servers have of it.*state\.db/,
  });
  t.match(await asNobody(made, 'grant', 'alice@lab.test', 'carol'), {
    status: 0,
    stdout: /alice@lab\.test delegated to carol: saved\..*this user may not see/,
  });
  t.match(JSON.parse((await asNobody(made, '--json', 'revoke', 'alice@lab.test', 'bob', '--yes')).stdout), {
    saved: true,
    sidecar: null,
  });
  t.equal(made.sql("SELECT delegate || ' ' || created_by FROM delegation"), 'carol admin:nobody');
  for (const command of ['status', 'sync', 'run'])
    t.match(await asNobody(made, command), { status: 2, stderr: /sidecar\.lock|data/ }, command);
  t.match(
    await made.mandat('grant', '--no-wait', 'alice@lab.test', 'bob'),
    { status: 0 },
    'and who may goes on as before',
  );
});

t.test('a table that may be read and not written: no sidecar starts on it, no command writes', { skip }, async (t) => {
  const made = await desk(t);
  made.sql(ROWS);
  await made.mandat('sync');
  const data = path.join(made.directory, 'data');
  const before = made.sql('SELECT * FROM delegation');
  for (const name of readdirSync(data, { recursive: true, encoding: 'utf8' }))
    chownSync(path.join(data, name), UID, UID);
  chownSync(path.join(made.directory, 'imap.secret'), UID, UID);
  chownSync(made.table, 0, 0);
  chmodSync(made.table, 0o644);
  // Where the directory may be written SQLite opens the table all the same, to be read.
  chownSync(data, UID, UID);
  for (const words of [
    ['grant', 'alice@lab.test', 'carol'],
    ['suspend', 'alice@lab.test', 'bob'],
    ['mailbox', 'add', 'zoe@lab.test'],
    ['sync'],
    ['run'],
  ]) {
    const { status, stdout, stderr } = await asNobody(made, ...words);
    const says = /delegation\.db.*can't be written by user 65534\n +give/;
    t.match({ status, stdout, stderr }, { status: 2, stdout: '', stderr: says }, words.join(' '));
  }
  t.match(await asNobody(made, 'list'), { status: 0, stdout: /bob/ }, 'who only reads may');
  chownSync(data, 0, 0);
  t.equal(made.sql('SELECT * FROM delegation'), before);
});
