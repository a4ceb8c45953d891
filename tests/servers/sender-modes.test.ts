/** The map's owner, group and modes: Postfix must be able to read it, and to make the files beside it, whatever happened before. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import {
  impassable,
  openSenderMap,
  prepareSenderMap,
  SENDER_FILE,
  senderMapExists,
} from '../../bridge/store/published/sender-map.ts';
import { systemGroup, systemUser } from '../../config/lab/system-ids.ts';
import { builtDirectory, NODE } from '../cli/built.ts';

const GROUP = systemGroup('postfix');
const POSTFIX = systemUser('postfix');
/** A user of their own, as the sidecar's would be. */
const SIDECAR = 65534;
const RULE = { address: 'alice@lab.test', login: 'bob@lab.test' };

function place(t: Test): string {
  const parent = mkdtempSync(path.join(os.tmpdir(), 'mandat-sender-'));
  chmodSync(parent, 0o711);
  t.teardown(() => rmSync(parent, { recursive: true, force: true }));
  return path.join(parent, 'sender');
}

/** `2770 GROUP` of directory and files, by name. */
function modes(directory: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, file] of [
    ['directory', directory],
    ['file', path.join(directory, SENDER_FILE)],
    ['wal', path.join(directory, `${SENDER_FILE}-wal`)],
    ['shm', path.join(directory, `${SENDER_FILE}-shm`)],
  ] as const) {
    if (!existsSync(file)) continue;
    const { mode, gid } = statSync(file);
    found[name] = `${(mode & 0o7777).toString(8)} ${gid === GROUP ? 'postfix' : gid}`;
  }
  return found;
}

const CLOSED = { directory: '2770 postfix', file: '660 postfix' };
const OPEN = { ...CLOSED, wal: '660 postfix', shm: '660 postfix' };

function as(uid: number, groups: string, argv: readonly string[]) {
  const args = [`--reuid=${uid}`, `--regid=${uid === POSTFIX.uid ? GROUP : uid}`, groups, ...argv];
  return spawnSync('setpriv', args, { encoding: 'utf8' });
}

/** What Postfix's proxymap does: it opens the file as user postfix, and SQLite makes -wal and -shm when they aren't there. */
function lookUp(directory: string): string {
  const query = `SELECT login FROM sender_login WHERE address = '${RULE.address}'`;
  const { stdout, stderr } = as(POSTFIX.uid, '--clear-groups', ['sqlite3', path.join(directory, SENDER_FILE), query]);
  return (stdout + stderr).trim();
}

t.test('made with the modes that Postfix needs, whatever the umask', async (t) => {
  for (const umask of [0o077, 0o000, 0o777]) {
    const directory = place(t);
    const before = process.umask(umask);
    try {
      prepareSenderMap(directory, GROUP);
      const map = openSenderMap(directory);
      map.publish(1, [RULE]);
      t.same(modes(directory), OPEN, `umask ${umask.toString(8)}: while somebody has it open`);
      t.equal(lookUp(directory), RULE.login, 'Postfix reads what was just published');
      map.close();
    } finally {
      process.umask(before);
    }
    t.same(modes(directory), CLOSED, 'and when nobody has');
    t.equal(lookUp(directory), RULE.login, 'Postfix reads it cold');
  }
});

t.test('wrong modes are put right, of the files beside it too', async (t) => {
  const directory = place(t);
  t.equal(senderMapExists(directory), false);
  prepareSenderMap(directory, GROUP);
  t.equal(senderMapExists(directory), true);
  const file = path.join(directory, SENDER_FILE);
  const other = new Database(file); // keeps -wal and -shm there
  other.prepare('INSERT INTO sender_login VALUES (?, ?, 1)').run(RULE.address, RULE.login);
  for (const name of [file, `${file}-wal`, `${file}-shm`]) {
    chmodSync(name, 0o600);
    chownSync(name, 0, 0);
  }
  chmodSync(directory, 0o700);
  chownSync(directory, 0, 0);
  t.match(lookUp(directory), /unable to open/, 'so Postfix cannot read it');
  prepareSenderMap(directory, GROUP);
  t.same(modes(directory), OPEN);
  t.equal(lookUp(directory), RULE.login);
  other.close();
  prepareSenderMap(directory, GROUP);
  t.same(modes(directory), CLOSED);
  t.equal(lookUp(directory), RULE.login, 'with all that was in it');
});

t.test('a sidecar that is not root, and Postfix, take turns in making the files beside it', async (t) => {
  const directory = place(t);
  chownSync(path.dirname(directory), SIDECAR, SIDECAR);
  const driver = JSON.stringify(path.join(await builtDirectory(), 'bridge/store/published/sender-map.js'));
  const program = (work: string) => `const { prepareSenderMap, openSenderMap } = await import(${driver}); ${work}`;
  const sidecar = (work: string, groups = `--groups=${GROUP}`) =>
    as(SIDECAR, groups, [...NODE, '--input-type=module', '--eval', program(work), directory]);
  const probe = sidecar('');
  if (probe.status !== 0) {
    t.comment('skipped: an ordinary user may not read this checkout');
    return;
  }
  const publish = (mailbox: number, login: string) =>
    sidecar(`prepareSenderMap(process.argv[1], ${GROUP}); const map = openSenderMap(process.argv[1]);
      map.publish(${mailbox}, [{ address: '${RULE.address}', login: '${login}' }]); map.close();`);
  t.match(publish(1, 'bob@lab.test'), { status: 0, stderr: '' });
  t.same(modes(directory), CLOSED);
  t.equal(lookUp(directory), 'bob@lab.test');

  // Postfix's process is the first to open it now, and keeps it open.
  const shell = ['sqlite3', '-batch', path.join(directory, SENDER_FILE)];
  const reader = spawn('setpriv', [`--reuid=${POSTFIX.uid}`, `--regid=${GROUP}`, '--clear-groups', ...shell]);
  const question = async () => {
    reader.stdin.write('SELECT group_concat(login) FROM sender_login;\n');
    const [answer] = await once(reader.stdout, 'data');
    return String(answer).trim();
  };
  t.equal(await question(), 'bob@lab.test');
  t.same(modes(directory), OPEN);
  t.equal(statSync(path.join(directory, `${SENDER_FILE}-wal`)).uid, POSTFIX.uid, 'made by Postfix');
  t.match(publish(2, 'carol@lab.test'), { status: 0, stderr: '' });
  t.equal(await question(), 'bob@lab.test,carol@lab.test');
  reader.stdin.end();
  await once(reader, 'close');
  t.same(modes(directory), CLOSED);

  rmSync(directory, { recursive: true });
  const outside = sidecar(
    `try { prepareSenderMap(process.argv[1], ${GROUP}) } catch ({ code, message, hint }) { console.log(code, message, hint) }`,
    '--clear-groups',
  );
  t.match(
    outside.stdout,
    /^config .*sender can't be given to the group that Postfix reads it with.*as a user who is in that group.*"mandat init" as root/,
  );
});

t.test('directories that the group may not pass through', async (t) => {
  const directory = place(t);
  prepareSenderMap(directory, GROUP);
  const parent = path.dirname(directory);
  const at = (mode: number, gid: number) => {
    chownSync(parent, 0, gid);
    chmodSync(parent, mode);
    return impassable(directory, GROUP);
  };
  t.same(at(0o711, 0), []);
  t.same(at(0o750, 0), [parent]);
  t.same(at(0o750, GROUP), [], "the group's own");
  t.same(at(0o701, GROUP), [parent], 'its members are not "others"');
});

t.test('a map that cannot be opened is the administrator’s matter', async (t) => {
  const directory = place(t);
  t.throws(() => openSenderMap(directory), { code: 'config', message: /not there: .*sender\.db/, hint: /mandat init/ });
  prepareSenderMap(directory, GROUP);
  const file = path.join(directory, SENDER_FILE);
  const other = new Database(file);
  other.exec('BEGIN IMMEDIATE');
  const map = openSenderMap(directory);
  t.throws(() => map.publish(1, [RULE]), { code: 'retry', message: /locked by another program/ });
  t.same(map.publish(1, []), { added: [], removed: [] }, 'nothing to write needs no lock');
  other.exec('ROLLBACK');
  other.close();
  map.close();
});
