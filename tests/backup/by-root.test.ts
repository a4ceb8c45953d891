/** Root types the commands, the data belong to another user: so does the backup, and what is put back has the owners and modes that it had. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openSubmissions } from '../../bridge/store/submissions/submission-db.ts';
import { systemUser } from '../../config/lab/system-ids.ts';
import { builtMandat } from '../cli/built.ts';
import { ran } from '../cli/commands.ts';
import { desk } from '../cli/desk.ts';
import { row } from '../store/shell.ts';

const skip = process.geteuid?.() !== 0 && 'only root is several users';
/** Stands for user mandat. */
const OURS = systemUser('mail');

const owned = (top: string) =>
  Object.fromEntries(
    ['', ...readdirSync(top, { recursive: true, encoding: 'utf8' })]
      .filter((name) => !/-(wal|shm)$|before-restore|\.lock/.test(name))
      .map((name) => {
        const { uid, gid, mode } = lstatSync(path.join(top, name));
        return [name, `${uid}:${gid} ${(mode & 0o7777).toString(8)}`];
      }),
  );

t.test('backup and restore by root', { skip }, async (t) => {
  const made = await desk(t);
  const data = path.join(made.directory, 'data');
  openSubmissions(path.join(data, 'private/submission.db')).close();
  for (const name of ['', ...readdirSync(data, { recursive: true, encoding: 'utf8' })]) {
    chownSync(path.join(data, name), OURS.uid, OURS.gid);
  }
  chownSync(path.join(made.directory, 'imap.secret'), OURS.uid, OURS.gid);
  const program = await builtMandat();
  const mandat = (...args: readonly string[]) => ran([...program, '--config', made.configFile, ...args]);
  const before = owned(data);
  const backup = path.join(made.directory, 'backup'); // in a directory of root's
  const taken = await mandat('backup', backup);
  t.equal(taken.status, 0, taken.stderr);
  for (const [name, is] of Object.entries(owned(backup)))
    t.equal(is, `${OURS.uid}:${OURS.gid} ${name === '' ? 700 : 600}`, name);
  t.ok(readdirSync(backup).includes('submission.db'));

  const restored = await mandat('restore', backup, '--yes');
  t.equal(restored.status, 0, restored.stderr);
  t.same(owned(data), before, 'owners and modes');
  t.equal(row(path.join(data, 'private/submission.db'), 'PRAGMA integrity_check'), 'ok');

  const closed = path.join(made.directory, 'closed');
  mkdirSync(closed, { mode: 0o700 });
  t.match(await mandat('backup', path.join(closed, 'b')), {
    status: 2,
    stderr: /can't be reached by user \d+.*chown/s,
  });
  chownSync(backup, 0, 0);
  t.match(await mandat('restore', backup, '--yes'), { status: 2, stderr: /can't be reached by user \d+.*chown/s });
  chownSync(backup, OURS.uid, OURS.gid);
  chmodSync(closed, 0o755);
  t.match(await mandat('backup', path.join(closed, 'b')), { status: 0 });
});

t.test('a table on a file system of its own', { skip }, async (t) => {
  const made = await desk(t);
  const { mandat, directory } = made;
  const backup = path.join(directory, 'backup');
  t.match(await mandat('backup', backup), { status: 0 });
  const script = path.join(directory, 'mounted.sh');
  const program = (await builtMandat()).map((word) => `'${word}'`).join(' ');
  const table = path.join(directory, 'data/table');
  writeFileSync(
    script,
    `set -e
cp -a '${table}' '${table}.kept'
mount -t tmpfs -o mode=700 mandat '${table}'
cp -a '${table}.kept/.' '${table}/'
${program} --config '${made.configFile}' restore '${backup}' --yes
${program} --config '${made.configFile}' list
stat -c %a '${table}/delegation.db'
`,
  );
  const { status, stdout, stderr } = spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', script], {
    encoding: 'utf8',
  });
  if (/unshare failed|permission denied|Operation not permitted/i.test(stderr)) {
    t.comment('nothing can be mounted here');
    return;
  }
  t.equal(status, 0, stderr);
  t.match(stdout, /restored from[\s\S]*\n660\n$/);
});
