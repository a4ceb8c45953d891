/**
 * Databases of a site of any size, as mandat itself would have left them: a table that nobody has worked off yet (all of it pending, all of its
 * events waiting), or one that has been worked off. Ten delegates a mailbox, ten mailboxes a delegate. Made once for each size and each schema,
 * and kept in the system's temporary directory.
 */
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { DELEGATIONS, initialise, STATE } from '../../../bridge/store/databases.ts';
import { type DataFiles, dataFiles } from '../../../bridge/store/files/data-files.ts';
import { openSenderMap, prepareSenderMap } from '../../../bridge/store/published/sender-map.ts';
import { headFileOf, writeHead } from '../../../bridge/store/trail/seal-head.ts';
import { type AuditEntry, ENTRY, headMark, seal, sealKey } from '../../../bridge/store/trail/sealing.ts';
import { DOMAIN } from '../../servers/site.ts';

export type Worked = 'never worked off' | 'worked off';

/** So many delegates each mailbox has, and mailboxes each delegate. */
export const EACH = 10;

/** Names as the lab's accounts have them, without the domain. */
export const owner = (n: number) => `o${String(n).padStart(6, '0')}`;
export const delegate = (n: number) => `d${String(n).padStart(6, '0')}`;

/** One delegation in so many begins, ends. */
const WITH_START = 50;
const WITH_END = 20;

/** Puts a site of so many delegations in place of what is in `data_dir`, where nothing runs on it. */
export function putLargeTable(directory: string, delegations: number, worked: Worked): void {
  const from = dataFiles(made(delegations, worked));
  const to = dataFiles(directory);
  initialise(to);
  const pairs: readonly (readonly [string, string])[] = [
    [from.delegations, to.delegations],
    [from.state, to.state],
    [from.sealKey, to.sealKey],
    [headFileOf(from.sealKey), headFileOf(to.sealKey)],
    [path.join(from.senderDirectory, 'sender.db'), path.join(to.senderDirectory, 'sender.db')],
  ];
  for (const [source, target] of pairs) {
    for (const side of ['-wal', '-shm']) rmSync(`${target}${side}`, { force: true });
    if (existsSync(source) && existsSync(path.dirname(target)))
      execFileSync('cp', ['--reflink=auto', '--preserve=mode', source, target]);
  }
}

function made(delegations: number, worked: Worked): string {
  const version = [DELEGATIONS, STATE].map(({ migrations }) => migrations.join());
  const source = readFileSync(import.meta.filename, 'utf8');
  const digest = createHash('sha256')
    .update(JSON.stringify([version, source]))
    .digest('hex')
    .slice(0, 12);
  const directory = path.join(
    os.tmpdir(),
    'mandat-large-tables',
    `${digest}-${delegations}-${worked.replaceAll(' ', '-')}`,
  );
  if (existsSync(directory)) return directory;
  mkdirSync(path.dirname(directory), { recursive: true });
  const draft = mkdtempSync(`${directory}.`);
  const files = dataFiles(draft);
  initialise(files);
  prepareSenderMap(files.senderDirectory, undefined);
  const key = sealKey(files.sealKey);
  fillTable(files, delegations);
  if (worked === 'worked off') workOff(files, key);
  try {
    renameSync(draft, directory);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(directory)) throw error; // another bench was faster
  }
  return directory;
}

function opened(file: string): Database.Database {
  const database = new Database(file);
  database.pragma('synchronous = OFF');
  database.pragma('cache_size = -200000');
  return database;
}

const NAME = (letter: 'o' | 'd', n: string) => `printf('${letter}%06d@${DOMAIN}', ${n})`;
const COUNT = (most: number) => `WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < ${most})`;
const LONG_AGO = '2026-01-01T08:00:00.000Z';
/** One event a millisecond or so. */
const SINCE = (n: string) => `strftime('%Y-%m-%dT%H:%M:%fZ', 1767254400 + (${n}) / 1000.0, 'unixepoch')`;
const DAYS_ON = (n: string, from: string) =>
  `strftime('%Y-%m-%dT%H:%M:%fZ', '${from}', '+' || (${n} % 3000) || ' days')`;

/** What the triggers would have made of it, an hour's work for them at the largest size. */
function fillTable({ delegations: file }: DataFiles, size: number): void {
  const people = Math.max(1, Math.ceil(size / EACH));
  const database = opened(file);
  const triggers = database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all() as {
    name: string;
    sql: string;
  }[];
  database.exec('BEGIN');
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`);
  database.exec(`
    INSERT INTO mailboxes (id, address, login, kind, eligible, server)
      ${COUNT(people)} SELECT n + 1, ${NAME('o', 'n')}, ${NAME('o', 'n')}, 'PER', 1, 'main' FROM c;
    INSERT INTO delegates (id, identifier, login, first_name, last_name, state, credential_valid_until)
      ${COUNT(people)} SELECT n + 1, ${NAME('d', 'n')}, ${NAME('d', 'n')}, 'Dominique', 'Martin', 'active', ${DAYS_ON('n', '2036-01-01')} FROM c;
    INSERT INTO delegate_states (delegate_id, state, since) SELECT id, state, '${LONG_AGO}' FROM delegates;
    INSERT INTO delegations (id, mailbox_id, delegate_id, created_at, created_by, starts_at, ends_at, suspended)
      ${COUNT(size)} SELECT n + 1, n / ${EACH} + 1, (n / ${EACH} + (n % ${EACH}) * 7) % ${people} + 1, ${SINCE(`${2 * people} + n`)}, 'sql',
        iif(n % ${WITH_START} = 1, ${DAYS_ON('n', '2016-01-01')}, NULL), iif(n % ${WITH_END} = 2, ${DAYS_ON('n', '2036-01-01')}, NULL), 0 FROM c;
    INSERT INTO events (at, actor, action, mailbox, detail)
      SELECT ${SINCE('id')}, 'sql', 'mailbox-add', address, json_object('login', login, 'kind', kind, 'eligible', eligible) FROM mailboxes;
    INSERT INTO events (at, actor, action, delegate, detail)
      SELECT ${SINCE(`${people} + id`)}, 'sql', 'delegate-add', identifier, json_object('login', login, 'state', state, 'credential_valid_until', credential_valid_until) FROM delegates;
    INSERT INTO events (at, actor, action, mailbox, delegate, detail)
      SELECT g.created_at, 'sql', 'grant', m.address, d.identifier, json_object('by', 'sql', 'starts_at', g.starts_at, 'ends_at', g.ends_at)
      FROM delegations AS g JOIN mailboxes AS m ON m.id = g.mailbox_id JOIN delegates AS d ON d.id = g.delegate_id ORDER BY g.id;
    INSERT INTO pending SELECT mailbox_id, ${people} + max(id), 'main' FROM delegations GROUP BY mailbox_id;
    UPDATE counters SET version = ${people} + ${size};`);
  for (const { sql } of triggers) database.exec(sql);
  database.exec('COMMIT');
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
}

/** The site as it stands when all of that has been verified once, and nothing has happened since. */
function workOff(files: DataFiles, key: Buffer): void {
  const database = opened(files.state);
  database.exec(`ATTACH '${files.delegations}' AS t; BEGIN`);
  sealAll(database, key, files);
  const facts = {
    epoch: database.prepare("SELECT value FROM t.settings WHERE name = 'epoch'").pluck().get(),
    version: String(database.prepare('SELECT version FROM t.counters').pluck().get()),
    drained: String(database.prepare('SELECT max(id) FROM t.events').pluck().get()),
    'state-id': randomUUID(),
    'rows-seen': 'yes',
    'told-from': '0',
    inherits: 'yes',
    sweep: new Date().toISOString(),
    clock: new Date().toISOString(), // what came due before has been seen to
    'trail-proof': JSON.stringify({ at: new Date().toISOString(), entries: 0, broken: null }),
  };
  const note = database.prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)');
  for (const [name, value] of Object.entries(facts)) note.run(name, value);
  database.exec(`
    INSERT INTO ledger (id, mailbox_id, delegate_id, address, server, owner_login, login, phase, given, since, in_force_at, verified_at, identifier)
      SELECT g.id, g.mailbox_id, g.delegate_id, m.address, m.server, m.login, d.login, 'verified', '["lrswipkxte"]', '${LONG_AGO}', '${LONG_AGO}', '${LONG_AGO}', d.identifier
      FROM t.delegations AS g JOIN t.mailboxes AS m ON m.id = g.mailbox_id JOIN t.delegates AS d ON d.id = g.delegate_id;
    INSERT INTO subscriptions SELECT id, 'INBOX', 1 FROM ledger;
    INSERT INTO folders_seen (server, owner_login, ids, listing) SELECT server, login, '[]', hex(randomblob(16)) FROM t.mailboxes;
    INSERT INTO outcomes (mailbox_id, address, in_force_version, in_force_at, verified_version, verified_at)
      SELECT p.mailbox_id, m.address, p.version, '${LONG_AGO}', p.version, '${LONG_AGO}' FROM t.pending AS p JOIN t.mailboxes AS m ON m.id = p.mailbox_id;
    INSERT INTO rows_seen SELECT mailbox_id, delegate_id, l.id, address, identifier,
      json_object('starts_at', g.starts_at, 'ends_at', g.ends_at, 'suspended', g.suspended) FROM ledger AS l JOIN t.delegations AS g USING (id, mailbox_id, delegate_id);
    INSERT INTO told (delegation_id, mailbox_id, delegate_id, standing, identifier, login, address)
      SELECT id, mailbox_id, delegate_id, 'in-force', identifier, login, address FROM ledger;
    COMMIT;`);
  const stateId = facts['state-id'];
  settleTable(database, stateId);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  publish(files);
}

/** In the trail: each event of the table, and of each delegation that it came into force and was verified. */
function sealAll(database: Database.Database, key: Buffer, files: DataFiles): void {
  const columns = ENTRY.join(', ');
  const add = database.prepare(`INSERT INTO audit (${columns}, seal) VALUES (${ENTRY.map(() => '?').join(', ')}, ?)`);
  let previous = '';
  let id = 0n;
  const append = (entry: AuditEntry) => {
    previous = seal(key, previous, entry);
    id = BigInt(add.run(...ENTRY.map((name) => entry[name]), previous).lastInsertRowid);
  };
  const events = new Database(files.delegations, { readonly: true });
  for (const event of events.prepare(`SELECT ${columns} FROM events ORDER BY id`).iterate() as Iterable<AuditEntry>) {
    append(event);
    if (event.action !== 'grant') continue;
    const { at, mailbox, delegate: who } = event;
    for (const action of ['in-force', 'verified'])
      append({
        at,
        actor: 'mandat',
        reason: null,
        action,
        mailbox,
        delegate: who,
        detail: null,
        on_behalf: null,
        via: null,
      });
  }
  events.close();
  database.prepare("INSERT INTO facts VALUES ('audit-head', ?)").run(headMark(key, previous));
  writeHead(headFileOf(files.sealKey), key, { id: Number(id), seal: previous });
}

function settleTable(database: Database.Database, stateId: string): void {
  database.exec(`BEGIN; INSERT INTO t.writer (id, actor) VALUES (1, 'mandat'); DELETE FROM t.pending; DELETE FROM t.events;
    INSERT INTO t.settings SELECT 'worked_off', '${stateId} ' || version FROM t.counters; DELETE FROM t.writer; COMMIT;`);
  database.pragma('t.incremental_vacuum');
  database.pragma('t.wal_checkpoint(TRUNCATE)');
}

function publish({ senderDirectory, delegations }: DataFiles): void {
  openSenderMap(senderDirectory).close();
  const database = opened(path.join(senderDirectory, 'sender.db'));
  database.exec(`ATTACH '${delegations}' AS t; INSERT INTO sender_login SELECT m.address, d.login, m.id
    FROM t.delegations AS g JOIN t.mailboxes AS m ON m.id = g.mailbox_id JOIN t.delegates AS d ON d.id = g.delegate_id ORDER BY 1, 2`);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
}
