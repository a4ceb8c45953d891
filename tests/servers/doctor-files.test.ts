import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { openSubmissions } from '../../bridge/store/submissions/submission-db.ts';
import { systemUser } from '../../config/lab/system-ids.ts';
import { type Breakage, breakEach, examined, type Mend, rewritten } from '../doctor/breakage.ts';
import { runInside } from './inside.ts';
import { type Site, startSite } from './site.ts';

let site: Site;
t.before(async () => {
  const etc = mkdtempSync(path.join(os.tmpdir(), 'mandat-etc-')); // one that others may write is refused, and data_dir becomes so
  t.teardown(() => rmSync(etc, { recursive: true }));
  site = await startSite({ users: ['alice', 'bob'], postfix: false, configDirectory: etc });
  await site.register('alice', 'bob');
});
t.teardown(() => site?.stop());

function file(on: Site, name: string): string {
  if (name.endsWith('.secret')) return path.join(path.dirname(on.configFile), name);
  if (name === 'delegation.db') return on.table;
  const ours = ['state.db', 'submission.db', 'seal.key', 'sidecar.lock'].includes(name);
  return path.join(ours ? path.dirname(on.stateFile) : on.lab.directory, name);
}

function mode(name: string, wanted: number) {
  return (on: Site): Mend => {
    const before = statSync(file(on, name)).mode;
    chmodSync(file(on, name), wanted);
    return () => chmodSync(file(on, name), before);
  };
}

function owner(name: string, user: string) {
  return (on: Site): Mend => {
    const { uid, gid } = statSync(file(on, name));
    chownSync(file(on, name), systemUser(user).uid, gid);
    return () => chownSync(file(on, name), uid, gid);
  };
}

function away(name: string) {
  return (on: Site): Mend => {
    renameSync(file(on, name), `${file(on, name)}.away`);
    return () => renameSync(`${file(on, name)}.away`, file(on, name));
  };
}

/** Another content, the file's mode and owner kept. */
function content(name: string, wanted: string | Buffer) {
  return (on: Site): Mend => {
    const before = readFileSync(file(on, name));
    writeFileSync(file(on, name), wanted);
    return () => writeFileSync(file(on, name), before);
  };
}

/** SQL on one of the databases, the whole file put back afterwards. */
function sql(name: string, ...statements: readonly string[]) {
  return (on: Site): Mend => {
    copyFileSync(file(on, name), `${file(on, name)}.before`);
    const database = new Database(file(on, name));
    for (const statement of statements) database.exec(statement);
    database.close();
    return () => copyFileSync(`${file(on, name)}.before`, file(on, name));
  };
}

/** The page where a table begins, overwritten. */
function damaged(name: string, table: string) {
  return (on: Site): Mend => {
    const database = new Database(file(on, name));
    const page = database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(table) as number;
    const size = database.pragma('page_size', { simple: true }) as number;
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
    const before = readFileSync(file(on, name));
    const after = Buffer.from(before);
    after.fill(0xff, (page - 1) * size, page * size);
    return content(name, after)(on);
  };
}

const inConfig = (from: RegExp, to: string) => (on: Site) => rewritten(on.configFile, (text) => text.replace(from, to));

const BREAKAGES: readonly Breakage[] = [
  {
    what: "others may read the master's password",
    break: mode('imap.secret', 0o644),
    bad: { 'IMAP password': 'fail' },
    says: /mode 644.*chmod 600/,
  },
  {
    what: "the master's password is nowhere",
    break: away('imap.secret'),
    bad: { 'IMAP password': 'fail' },
    says: /does not exist.*MANDAT_IMAP_ADMIN_PASSWORD/,
  },
  {
    what: "the master's password is empty",
    break: content('imap.secret', '\n'),
    bad: { 'IMAP password': 'fail' },
    says: /is empty/,
  },
  {
    what: 'the key is not there',
    break: away('doveadm.secret'),
    bad: { 'doveadm key': 'fail' },
    says: /does not exist.*MANDAT_DOVEADM_API_KEY/,
  },
  {
    what: "the files were made by root, and the sidecar's user is another",
    break: owner('.', 'mail'),
    bad: { 'IMAP password': 'fail', 'doveadm key': 'fail', 'data files': 'fail' },
    says: /can't be read by mail.*chown mail/,
  },
  {
    what: 'data_dir is elsewhere',
    break: inConfig(/data_dir = ".*"/, 'data_dir = "nowhere"'),
    bad: { 'data directory': 'fail' },
    says: /nowhere is not there.*mandat init/,
  },
  {
    what: 'data_dir is a file',
    break: inConfig(/data_dir = ".*"/, 'data_dir = "mandat.toml"'),
    bad: { 'data directory': 'fail' },
    says: /not a directory/,
  },
  {
    what: 'anybody may write into data_dir',
    break: mode('.', 0o757),
    bad: { 'data directory': 'fail' },
    says: /may be written by everybody.*mandat init.*chmod go-w/,
  },
  {
    what: "Postfix can't pass through data_dir",
    break: async (on) => {
      const mend = await inConfig(/data_dir = ".*"/, `data_dir = "${file(on, 'inner')}"`)(on);
      await on.mandat('init');
      chmodSync(file(on, 'inner'), 0o700);
      return async () => {
        rmSync(file(on, 'inner'), { recursive: true });
        await mend();
      };
    },
    bad: { 'data directory': 'fail' },
    says: /postfix.*chmod o\+x/,
  },
  {
    what: 'no delegation table',
    break: away('delegation.db'),
    bad: { 'delegation.db': 'fail' },
    says: /is not there.*mandat init/,
  },
  {
    what: 'the delegation table is no database',
    break: content('delegation.db', 'this is a letter to the editor\n'.repeat(100)),
    bad: { 'delegation.db': 'fail' },
    says: /not a SQLite database.*backup/,
  },
  {
    what: "the delegation table is another program's",
    break: sql('delegation.db', 'PRAGMA application_id = 7'),
    bad: { 'delegation.db': 'fail' },
    says: /not the delegation table/,
  },
  {
    what: 'the delegation table is newer than the program',
    break: sql('delegation.db', 'PRAGMA user_version = 99'),
    bad: { 'delegation.db': 'fail' },
    says: /99.*newer/,
  },
  {
    what: 'the state is gone',
    break: away('state.db'),
    bad: { 'state.db': 'fail' },
    says: /is not there.*mandat init/,
  },
  {
    what: 'the state is older than the program',
    break: sql('state.db', 'PRAGMA user_version = 0'),
    bad: { 'state.db': 'fail' },
    says: /version 0.*mandat init/,
  },
  {
    what: 'others may read the state',
    break: mode('state.db', 0o644),
    bad: { 'data files': 'fail' },
    says: /state\.db has mode 644.*chmod 600/,
  },
  {
    what: 'others may read what was submitted',
    break: (on) => {
      openSubmissions(file(on, 'submission.db')).close();
      chmodSync(file(on, 'submission.db'), 0o640);
      return () => rmSync(file(on, 'submission.db'));
    },
    bad: { 'data files': 'fail' },
    says: /submission\.db has mode 640.*chmod 600/,
  },
  {
    what: 'the group may not write the table',
    break: mode('delegation.db', 0o640),
    bad: { 'data files': 'fail' },
    says: /delegation\.db has mode 640.*chmod 660/,
  },
  {
    what: 'others may read the key of the audit trail',
    break: mode('seal.key', 0o644),
    bad: { 'data files': 'fail' },
    says: /seal\.key has mode 644.*chmod 600/,
  },
  {
    what: "the state is not the sidecar's",
    break: owner('state.db', 'mail'),
    bad: { 'data files': 'fail' },
    says: /state\.db has owner mail.*chown/,
  },
  { what: 'the key of the audit trail is gone', break: away('seal.key'), bad: { 'seal key': 'fail' }, says: /backup/ },
  {
    what: 'the state is damaged',
    break: damaged('state.db', 'audit'),
    bad: { integrity: 'fail' },
    says: /state\.db.*backup/,
  },
  {
    what: 'the table is damaged',
    break: damaged('delegation.db', 'aliases'),
    bad: { integrity: 'fail' },
    says: /delegation\.db.*backup/,
  },
  {
    what: 'another delegation table was put in place',
    break: sql('state.db', "INSERT OR REPLACE INTO facts VALUES ('epoch', 'that of yesterday')"),
    bad: { epoch: 'fail' },
    says: /older.*restore accept/,
  },
  {
    what: 'an older delegation table is held',
    break: sql('state.db', "INSERT OR REPLACE INTO facts VALUES ('restored', 'held')"),
    bad: { epoch: 'fail' },
    says: /only where it takes access away.*restore accept/,
  },
  {
    what: 'the clock was set back by years',
    break: sql('state.db', "INSERT OR REPLACE INTO facts VALUES ('clock', '2099-01-01T00:00:00.000Z')"),
    bad: { clock: 'fail' },
    says: /2099.*DELETE FROM facts/,
  },
  {
    what: 'the clock was set back by half a minute',
    break: (on) => sql('state.db', `INSERT OR REPLACE INTO facts VALUES ('clock', '${inSeconds(30)}')`)(on),
    bad: { clock: 'warn' },
    says: /set the clock/,
  },
  {
    what: "the sidecar's lock is no lock",
    break: (on) => {
      writeFileSync(file(on, 'sidecar.lock'), 'not a database, but long enough to be looked at\n'.repeat(40), {
        mode: 0o600,
      });
      return () => rmSync(file(on, 'sidecar.lock'));
    },
    bad: { sidecar: 'fail' },
    says: /lock/,
  },
];

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

t.test('each broken in turn', (t) => breakEach(t, site, BREAKAGES, { sidecar: 'warn' }));

t.test('secrets in the environment need no files', async (t) => {
  const mend = [away('imap.secret')(site), away('doveadm.secret')(site)];
  const env = {
    MANDAT_IMAP_ADMIN_PASSWORD: site.lab.master.password,
    MANDAT_DOVEADM_API_KEY: site.lab.doveadm.apiKey,
  };
  const lines = await examined(site, {}, env);
  t.match(lines.get('IMAP password'), { status: 'ok', seen: /MANDAT_IMAP_ADMIN_PASSWORD/ });
  t.match(lines.get('who'), { status: 'ok' });
  for (const [, { seen, remedy }] of lines)
    t.notMatch(`${seen}${remedy}`, site.lab.master.password, 'no line shows a secret');
  for (const one of mend) one();
});

t.test('a sidecar that runs, and its sweeps', async (t) => {
  const running = await runInside(site);
  t.teardown(() => running.stop());
  const healthy = await examined(site);
  t.match(healthy.get('sidecar'), { status: 'ok', seen: new RegExp(`process ${process.pid}`) });
  t.match(healthy.get('sweep'), { status: 'ok' });
  const database = new Database(site.stateFile);
  database.prepare("INSERT OR REPLACE INTO facts VALUES ('sweep', ?)").run(inSeconds(-3 * 3600));
  database.close();
  t.match((await examined(site)).get('sweep'), { status: 'warn', remedy: /mandat status/ });
});
