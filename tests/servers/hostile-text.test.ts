/**
 * Marks of direction and escape sequences in every text that others write, tables and servers: whatever command shows it, on the screen
 * or as JSON, there is nothing in it that a terminal obeys.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { EVIL_TEXT, OBEYED } from '../cli/evil.ts';
import { extractOf } from '../directory/extract-maker.ts';
import { commandOf, routeThrough, startProxy } from './imap-proxy.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob', 'carol'], postfix: false });
  await site.register('alice', 'bob');
  await site.register('carol');
});
t.after(() => site.stop());

/** Columns that hold a value of ours, by which a row is found or read; everything else that is text may hold anything. */
const OURS =
  /^(?:settings|counters|turns|delegate_states|facts|ledger|before_entries|subscriptions|folders_seen|audit_checkpoints|accounts|owner_contacts|settings)\.|\.(?:state|kind|server|send_mode|standing|ending|language|data|notices|code|event|part|recipient|message_id|seal|mac|detail|rights|since|at|terms_version|domain)$|_at$|_until$|_since$|(?:^|[.])(?:mailboxes|aliases|delegates|told|owner_folders|intents)\.(?:address|login|owner|identifier|owner_login|folder_id|folder)$|outcomes\.address$|other_entries\.owner_login$/;

/** Rules and seals aside, as a program does that means harm. */
function poison(file: string): readonly string[] {
  const database = new Database(file);
  const poisoned: string[] = [];
  database.pragma('ignore_check_constraints = 1');
  const triggers = database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all() as readonly {
    readonly name: string;
    readonly sql: string;
  }[];
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
  database.transaction(() => {
    for (const { name } of triggers) database.exec(`DROP TRIGGER "${name}"`);
    for (const table of tables) {
      const columns = database.pragma(`table_info("${table}")`) as readonly {
        readonly name: string;
        readonly type: string;
      }[];
      for (const { name, type } of columns) {
        if (type !== 'TEXT' || OURS.test(`${table}.${name}`)) continue;
        database.prepare(`UPDATE "${table}" SET "${name}" = coalesce("${name}", '') || ?`).run(EVIL_TEXT);
        poisoned.push(`${table}.${name}`);
      }
    }
    for (const { sql } of triggers) database.exec(sql);
  })();
  database.close();
  return poisoned;
}

const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['list'],
  ['delegate', 'list'],
  ['delegate', 'show', at('bob')],
  ['mailbox', 'list'],
  ['mailbox', 'alias', 'list'],
  ['domain', 'list'],
  ['who', at('alice')],
  ['what', at('bob')],
  ['explain', at('alice')],
  ['explain', at('alice'), at('bob')],
  ['explain', '--all'],
  ['verify'],
  ['sync', '--dry-run'],
  ['sync'],
  ['doctor'],
  ['notices', 'list'],
  ['audit'],
  ['audit', 'verify'],
  ['history', at('alice')],
  ['audit', 'export'],
  ['audit', 'export', '--format', 'csv'],
  ['status'],
];

/** Those that ask a server, or tell of its answer. */
const ASKING = COMMANDS.filter(([name = '']) =>
  ['explain', 'verify', 'sync', 'audit', 'status', 'doctor'].includes(name),
);

/** Runs each, and answers all that they said. */
async function harmless(t: Test, commands: readonly (readonly string[])[]): Promise<string> {
  let all = '';
  for (const command of commands) {
    for (const json of ['export', 'doctor'].some((one) => command.includes(one)) ? [[]] : [[], ['--json']]) {
      const { stdout, stderr } = await site.mandat(...json, ...command);
      const said = `${stdout}${stderr}`;
      const found = OBEYED.exec(said.replaceAll('\n', ''));
      t.equal(found, null, `${[...json, ...command].join(' ')}${found === null ? '' : `: ${JSON.stringify(said)}`}`);
      t.notMatch(said, /^mandat: all is well/m, 'nor a message of its own');
      all += said;
    }
  }
  return all;
}

t.test('in what an IMAP server says', async (t) => {
  let refused: readonly string[] = [];
  const proxy = await startProxy(site.lab.imap, (line) =>
    refused.includes(commandOf(line)) ? { reply: `NO ${EVIL_TEXT.replaceAll('\r', '')}` } : 'pass',
  );
  t.teardown(async () => {
    await routeThrough(site, site.lab.imap);
    await proxy.close();
  });
  await routeThrough(site, proxy);
  await grantRow(site, 'alice', 'bob');
  for (const names of [['AUTHENTICATE'], ['LIST', 'LSUB'], ['GETACL'], ['SETACL', 'MYRIGHTS', 'NAMESPACE']]) {
    refused = names;
    t.comment(names.join(' '));
    const quick = names[0] !== 'GETACL' ? ASKING.filter(([name]) => name !== 'doctor') : ASKING;
    const said = await harmless(t, quick);
    t.match(said, 'evil', 'what it said is shown');
  }
});

t.test('in the tables', async (t) => {
  const poisoned = [...poison(site.table), ...poison(site.stateFile)];
  for (const one of [
    'delegates.first_name',
    'delegations.note',
    'events.actor',
    'audit.reason',
    'outcomes.message',
    'outbox.error',
  ]) {
    t.ok(poisoned.includes(one), one);
  }
  const said = await harmless(t, COMMANDS);
  t.match(said, 'all is well', 'it is shown');
  t.match(said, '\\u202e', 'and with --json nothing is lost');
});

t.test('in what is typed, and in files', async (t) => {
  const file = path.join(site.lab.directory, 'evil.csv');
  writeFileSync(file, `mailbox,delegate,${EVIL_TEXT}\n`);
  const extract = path.join(site.lab.directory, 'evil.txt');
  writeFileSync(
    extract,
    `${extractOf([]).replace('|Code', `|${EVIL_TEXT.replace('\r', '')}|Code`)}x|${EVIL_TEXT.replace('\r', '')}\n`,
  );
  for (const command of [
    ['grant', EVIL_TEXT, at('bob')],
    ['grant', at('alice'), EVIL_TEXT],
    ['grant', '--from', file],
    ['grant', '--from', `${file}${EVIL_TEXT}`],
    ['--as', `admin:${EVIL_TEXT}`, 'list'],
    ['--config', EVIL_TEXT, 'list'],
    [`--${EVIL_TEXT}`],
    [EVIL_TEXT],
    ['list', `--${EVIL_TEXT}`],
    ['delegate', 'add', 'x', '--first-name', EVIL_TEXT],
    ['directory', 'import', extract],
    ['directory', 'import', '--whitelist', extract],
  ]) {
    const { stdout, stderr } = await site.mandat(...command);
    t.notMatch((stdout + stderr).replaceAll('\n', ''), OBEYED, JSON.stringify(command).slice(0, 80));
  }
});
