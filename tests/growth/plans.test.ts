/**
 * No statement grows with the table: every one that mandat prepares on the way of a commit, a wake-up or a command is noted in the real processes,
 * and none of them walks through a table that grows.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { delegate, owner, putLargeTable } from '../bench/growth/large-table.ts';
import { builtDirectory } from '../cli/built.ts';
import { scrape } from '../health/scrape.ts';
import { at, type Site, startSite } from '../servers/site.ts';

interface Noted {
  readonly file: string;
  readonly sql: string;
  readonly plan: readonly string[];
  readonly walked: readonly string[];
  readonly mostRows: number;
}

/** Those that stay small however many delegations there are. */
const SMALL = [
  'facts',
  'settings',
  'counters',
  'writer',
  'audit_checkpoints',
  'domains',
  'sqlite_schema',
  'sqlite_sequence',
  'sqlite_master',
  'CONSTANT', // CONSTANT ROW
];

/** What is counted and nothing else is counted by pages of an index: 3 ms for a million. */
const COUNTS =
  /^select (?:"state", )?count\((?:\*|distinct "\w+")\) as "\w+"(?:, count\(distinct "\w+"\) as "\w+")? from "\w+"(?: where "server" = \?)?(?: group by "state")?$/i;

/** The first or last of an order that an index has, whatever they say: nothing is passed over on the way. */
const ENDS = /^(?:(?!\bwhere\b).)*\blimit\b/is;

/** The first of one server's in the order of an index, with nothing else asked of them. */
const FIRST_OF_SERVER = /\bwhere (?:"\w+"\.)?"server" = \? order by [^()]* limit \?$/i;
const SORTED = /TEMP B-TREE FOR ORDER BY/;

/** Of an index that holds only what is to be shown. */
const FEW = /USING (?:COVERING )?INDEX outcomes_(?:failing|noticed|held)(?: \(server=\?\))?$/;

/** An index of which nothing is used but the server, which is the same for all there is on a site of one. */
const ONE_SERVER = /^SEARCH (\w+) USING (?:COVERING )?INDEX \w+ \(server=\?\)$/;

/** So many rows one statement brings at most, whatever there is: ten delegations of each of a hundred mailboxes. */
const MOST_ROWS = 1000;

const recorder = path.join(import.meta.dirname, 'plan-recorder.mjs');
const plans = path.join(mkdtempSync(path.join(os.tmpdir(), 'mandat-plans-')), 'plans');

/** The command with the recorder in it; `said`: all that it has printed so far. */
async function started(site: Site, args: readonly string[]) {
  const main = path.join(await builtDirectory(), 'cli/main.js');
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, [`--import=${recorder}`, main, '--config', site.configFile, ...args], {
    env: { ...env, MANDAT_PLANS: plans },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk;
    });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended, said: () => said };
}

async function mandat(site: Site, ...args: readonly string[]): Promise<string> {
  const { ended, said } = await started(site, args);
  await ended;
  return said();
}

const noted = (): readonly Noted[] =>
  readFileSync(plans, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Noted);

/** The tables that a statement reads from one end to the other although they grow; none where an index finds what it wants. */
function grows({ sql, plan, walked }: Noted): readonly string[] {
  if (COUNTS.test(sql) || ENDS.test(sql)) return [];
  const names = new Map(
    [...sql.matchAll(/\b(?:from|join|update|into)\s+"?(\w+)"?\s+as\s+"?(\w+)"?/gi)].map(([, table = '', as = '']) => [
      as,
      table,
    ]),
  );
  for (const [, as = ''] of sql.matchAll(/LIMIT [^()]*\) AS (\w+)/gi)) names.set(as, 'CONSTANT'); // so many at most
  const scanned = plan
    .filter((line) => !/VIRTUAL TABLE/.test(line) && !FEW.test(line))
    .flatMap((line) => /^SCAN (\w+)/.exec(line)?.[1] ?? [])
    .map((name) => names.get(name) ?? name);
  const inOrder = FIRST_OF_SERVER.test(sql) && !plan.some((line) => SORTED.test(line));
  const ofOneServer = plan
    .filter((line) => !inOrder && !FEW.test(line))
    .flatMap((line) => ONE_SERVER.exec(line)?.[1] ?? [])
    .map((name) => names.get(name) ?? name);
  return [...scanned, ...ofOneServer, ...walked].filter((table) => !SMALL.includes(table));
}

t.test('whatever mandat asks its databases, it is found by an index', async (t) => {
  const users = ['alice', 'bob', 'carol'];
  const site = await startSite({ users, postfix: false, extraToml: '[health]\n' });
  t.teardown(() => site.stop());
  putLargeTable(site.lab.directory, 1500, 'never worked off'); // more rows than one statement may bring
  await site.register('alice', 'bob', 'carol');
  const [alice, bob] = [at('alice'), at('bob')];
  await mandat(site, 'grant', alice, at('carol')); // without a sidecar: this command makes the pass
  const sidecar = await started(site, ['run']);
  await waitFor('the sidecar watches', 15_000, () => sidecar.said().includes('"watching"'));
  t.match(await mandat(site, 'grant', alice, bob), /in force/);
  for (const args of [
    ['status'],
    ['list', '--mailbox', alice],
    ['list', '--delegate', bob],
    ['--as', `owner:${alice}`, 'list'],
    ['--as', `delegate:${bob}`, 'list'],
    ['who', alice],
    ['what', bob],
    ['explain', alice, bob],
    ['history', alice],
    ['audit', '--limit', '10'],
    ['audit', '--mailbox', alice, '--limit', '10'],
    ['audit', '--delegate', bob, '--limit', '10'],
    ['audit', '--since', '2026-11-01', '--limit', '10'],
    ['mailbox', 'show', alice],
    ['delegate', 'show', bob],
    ['delegate', 'set', bob, '--first-name', 'Bob'],
    // What prints all there is holds no more of it than the others.
    ['list'],
    ['--json', 'list'],
    ['mailbox', 'list'],
    ['mailbox', 'alias', 'list'],
    ['delegate', 'list'],
    ['notices', 'list'],
    ['sync', alice],
    ['suspend', alice, bob],
    ['resume', alice, bob],
    ['pause'],
    ['resume'],
  ])
    t.not(await mandat(site, ...args), '', args.join(' '));
  t.match(await mandat(site, 'revoke', alice, bob, '--yes'), /withdrawn/);
  await mandat(site, 'grant', `${owner(3)}@lab.test`, `${delegate(1)}@lab.test`, '--no-wait');
  const figures = await scrape(path.join(site.lab.directory, 'run/health.sock'));
  t.ok(figures, 'metrics are counted too');
  sidecar.child.kill('SIGTERM');
  t.equal(await sidecar.ended, 0);
  const all = noted();
  t.ok(all.length > 300, `${all.length} statements`);
  for (const one of all) {
    const found = grows(one);
    if (found.length > 0) t.fail(`${one.file}: ${found.join(', ')}: ${one.sql}`, { plan: one.plan });
    if (one.mostRows > MOST_ROWS) t.fail(`${one.file}: ${one.mostRows} rows at once: ${one.sql}`);
  }
});
