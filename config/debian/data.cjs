/**
 * What the package's scripts ask of mandat's data, by SQLite alone: they must work beside any version of the program. Root becomes the owner
 * of the data first.
 *
 *     data.cjs place         data_dir of /etc/mandat/mandat.toml
 *     data.cjs pairs         each delegation that stands on a server, "MAILBOX to LOGIN", one a line
 *     data.cjs holder        the process that has the data, as a running sidecar has; nothing where there is none
 *     data.cjs copy TO       copies the databases, each as it is at one moment, and the keys; TO must not be there yet
 */
const { chmodSync, copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');
const Database = require('better-sqlite3');

const CONFIG = '/etc/mandat/mandat.toml';
const [verb, to] = process.argv.slice(2);
const directory = dataDirectory();
const at = (...names) => join(directory, ...names);

/** Of the lines before the first section. */
function dataDirectory() {
  const top = existsSync(CONFIG) ? (readFileSync(CONFIG, 'utf8').split(/^\s*\[/m)[0] ?? '') : '';
  const named = /^\s*data_dir\s*=\s*(?:"([^"\\]+)"|'([^']+)')/m.exec(top);
  return resolve(dirname(CONFIG), named?.[1] ?? named?.[2] ?? 'data');
}

function becomeOwner() {
  const { uid, gid } = lstatSync(directory);
  if (process.getuid() !== 0 || uid === 0) return;
  process.initgroups(uid, gid);
  process.setgid(gid);
  process.setuid(uid);
}

function pairs() {
  if (!existsSync(at('private', 'state.db'))) return;
  const state = new Database(at('private', 'state.db'), { fileMustExist: true });
  for (const { address, login } of state.prepare('SELECT address, login FROM ledger ORDER BY address, login').all())
    console.log(`${address} to ${login}`);
  state.close();
}

/** The lock is a database that whoever works holds exclusively: bridge/store. */
function holder() {
  const lock = at('private', 'sidecar.lock');
  if (!existsSync(lock)) return;
  const database = new Database(lock, { readonly: true, timeout: 0 });
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
  } catch (error) {
    if (!String(error.code).startsWith('SQLITE_BUSY')) throw error;
    console.log(existsSync(`${lock}.pid`) ? readFileSync(`${lock}.pid`, 'utf8').trim() : 'unknown');
  } finally {
    database.close();
  }
}

/** Not what "mandat directory import" has made (NAME-N.db): it is imported again. Nor the sender map: it is made from the others. */
async function copy() {
  mkdirSync(to, { mode: 0o700 });
  for (const place of ['table', 'private'].filter((one) => existsSync(at(one)))) {
    mkdirSync(join(to, place), { mode: 0o700 });
    for (const name of readdirSync(at(place))) {
      if (!lstatSync(at(place, name)).isFile() || /-\d+\.db|-(wal|shm|journal)$|\.lock/.test(name)) continue;
      const target = join(to, place, name);
      await (name.endsWith('.db') ? copyDatabase(at(place, name), target) : copyFileSync(at(place, name), target));
      chmodSync(target, 0o600);
    }
  }
}

async function copyDatabase(file, target) {
  const database = new Database(file, { fileMustExist: true });
  await database.backup(target);
  database.close();
  const copied = new Database(target, { readonly: true });
  const said = copied.pragma('integrity_check', { simple: true });
  copied.close();
  if (said !== 'ok') throw new Error(`the copy ${target} is damaged: ${said}`);
}

const verbs = { place: () => console.log(directory), pairs, holder, copy };
Promise.resolve()
  .then(() => {
    if (!(verb in verbs)) throw new Error(`data.cjs: ${Object.keys(verbs).join(', ')}`);
    if (verb === 'place' || !existsSync(directory)) return verb === 'place' ? verbs.place() : undefined;
    becomeOwner();
    return verbs[verb]();
  })
  .catch((error) => {
    console.error(`mandat: ${error.message}`);
    process.exitCode = 1;
  });
