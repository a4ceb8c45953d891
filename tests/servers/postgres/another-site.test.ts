/**
 * `database` leads to another site's from one moment to the next, under the same name and with the same role, as behind a proxy or after a change in DNS: each
 * command, the portal, the filter and the sidecar say so; nothing of that site is shown, nobody reads or sends by it, and nothing is written into it.
 */
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { waitFor } from '../../../config/lab/wait.ts';
import { builtMandat } from '../../cli/built.ts';
import { ran } from '../../cli/commands.ts';
import { must } from '../../cli/desk.ts';
import { type Lasting, lasting } from '../../cli/lasting.ts';
import { mandatAt } from '../../cli/warm.ts';
import { type PortalSite, portalSite } from '../../portal/portal-site.ts';
import { last, postgresql } from '../on-postgresql.ts';
import { at, startSite } from '../site.ts';
import { submissionAs } from '../submission.ts';
import { seen } from '../wire.ts';

const LIMIT_MS = 60_000;
const OUT = 'patient@far.test';
const NOT_OURS = /the database \(postgres:\/\/[^)]*\) is not this site's/;
const REMEDY = /see where "database" leads/;

const site = await startSite({
  users: ['alice', 'bob', 'carol'],
  chroot: false,
  filter: true,
  extraSubmission: 'process = "unit"\nsent_copy = "none"\n',
});
t.teardown(() => site.stop());
const { directory } = site.lab;
const name = last.database;
const role = /postgres:\/\/(mandat\d+)@/.exec(readFileSync(site.configFile, 'utf8'))?.[1] ?? '';

// Another site: another key, a database of the same role, and the same mail server, so that what stands in it is in force there and then.
const theirs = await postgresql.createDatabase();
await postgresql.sql(theirs, `ALTER DATABASE ${theirs} OWNER TO ${role}`);
const otherData = path.join(directory, 'other');
mkdirSync(otherData, { mode: 0o755 });
chmodSync(otherData, 0o755);
const otherConfig = path.join(directory, 'other.toml');
const ourText = readFileSync(site.configFile, 'utf8');
writeFileSync(
  otherConfig,
  ourText
    .replace(/^data_dir = .*$/m, `data_dir = "${otherData}"`)
    .replace(`/${name}"`, `/${theirs}"`)
    .replace(/^\[submission\][^[]*/m, ''),
);
const other = (...args: readonly string[]) => mandatAt(otherConfig, args);

/** From now on the name leads to `to`; what it led to has the other name. Whoever is connected is cut off. */
async function leads(to: 'theirs' | 'ours'): Promise<void> {
  const sql = (query: string) => postgresql.sql('postgres', query);
  const away = to === 'theirs' ? 'ours_kept' : theirs;
  const coming = to === 'theirs' ? theirs : 'ours_kept';
  await sql(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('${name}', '${coming}')`);
  await waitFor('nobody is connected', LIMIT_MS, async () => {
    const left = await sql(`SELECT count(*) FROM pg_stat_activity WHERE datname IN ('${name}', '${coming}')`);
    return left === '0';
  });
  await sql(`ALTER DATABASE ${name} RENAME TO ${away}`);
  await sql(`ALTER DATABASE ${coming} RENAME TO ${name}`);
  for (const one of [name, away]) await sql(`ALTER DATABASE ${one} ALLOW_CONNECTIONS true`);
}

/** Every row of every table of a database: what is written there shows. */
async function everything(database: string): Promise<string> {
  const tables = await postgresql.sql(
    database,
    "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname LIKE 'mandat%' ORDER BY 1",
  );
  const each = tables
    .split('\n')
    .map((one) => `SELECT '${one}', coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM ${one} t`);
  return postgresql.sql(database, each.join(' UNION ALL '));
}

async function send(login: string, from: string, mark: string): Promise<number> {
  const session = await submissionAs(site, login);
  const letter = `From: <${at(from)}>\r\nMessage-ID: <${mark}@lab.test>\r\nTo: <${OUT}>\r\nSubject: s\r\n\r\nHello\r\n`;
  const { code } = await session.sendMail(at(login), OUT, letter).finally(() => session.close());
  return code;
}
const reads = async (who: string) => Object.keys(await seen(site, 'alice', who)).length > 0;

let sidecar: Lasting;
let filter: Lasting;
let portal: PortalSite;
let before = '';

t.test('two sites: bob has the mailbox by ours, carol by the other one', async (t) => {
  await must(other('init'));
  for (const mandat of [site.mandat, other]) {
    await must(mandat('mailbox', 'add', at('alice')));
    for (const who of ['bob', 'carol']) await must(mandat('delegate', 'add', at(who)));
  }
  await must(other('grant', at('alice'), at('carol')));
  await must(site.mandat('grant', at('alice'), at('bob')));
  t.same([await reads('bob'), await reads('carol')], [true, true]);
  sidecar = await lasting(t.parent as never, site.configFile, 'run');
  await sidecar.said('watching');
  filter = await lasting(t.parent as never, site.configFile, 'filter');
  await filter.said('filtering submissions');
  portal = await portalSite(t.parent as Test, {
    configFile: site.configFile,
    people: Object.fromEntries(
      ['alice', 'bob', 'carol'].map((who) => [
        at(who),
        { preferred_username: at(who), given_name: who, acr: 'eidas1', groups: [] },
      ]),
    ),
  });
  t.equal(await send('bob', 'alice', 'before'), 250);
  t.equal(await send('carol', 'alice', 'never'), 550);
  before = await everything(theirs);
  await leads('theirs');
});

t.test('each command: whose it is not, what to do, status 2, and no row of theirs', async (t) => {
  for (const args of [
    ['list'],
    ['who', at('alice')],
    ['what', at('carol')],
    ['status'],
    ['status', '--all'],
    ['audit'],
    ['audit', 'verify'],
    ['audit', 'export'],
    ['history', at('alice')],
    ['explain', at('alice'), at('carol')],
    ['verify', at('alice')],
    ['verify', '--all'],
    ['mailbox', 'list'],
    ['delegate', 'list'],
    ['notices', 'list'],
    ['sync', '--dry-run'],
    ['sync'],
    ['grant', at('alice'), at('carol')],
    ['revoke', at('alice'), at('carol'), '--yes'],
    ['pause'],
    ['withdraw', '--all', '--yes'],
    ['server', 'forget', 'mx9', '--yes'],
    ['restore', 'accept', '--yes'],
    ['database', 'copy', '--to', 'files'],
    ['init'],
    ['init', '--repair-rules'],
    ['init', '--new-seal-key'],
  ]) {
    const said = await site.mandat(...args);
    const shown = args.join(' ');
    t.match(said, { status: 2, stderr: NOT_OURS }, shown);
    t.match(said.stderr, REMEDY, shown);
    t.match(said.stderr, /\(MANDAT_SEAL_KEY\)/, shown);
    if (!args.includes(at('carol'))) t.notMatch(said.stdout + said.stderr, /carol/, shown);
    const json = await site.mandat('--json', ...args);
    t.match(JSON.parse(json.stdout), { error: { code: 'config', rule: 'MANDAT_SEAL_KEY' } }, shown);
  }
});

t.test('the doctor: at the first that needs it, and what is not PostgreSQL’s is examined all the same', async (t) => {
  const { status, stdout } = await site.mandat('doctor');
  t.equal(status, 1);
  t.match(stdout, /^FAIL +PostgreSQL +the database .* is not this site's/m);
  t.match(stdout, /^ +-> see where "database" leads/m);
  t.match(stdout, /^ok +IMAP server/m);
  t.notMatch(stdout, /carol|delegations \d/);
});

t.test('a user who may not read the key is shown nothing, of whichever site', async (t) => {
  const nobody = path.join(directory, 'nobody.toml');
  const secret = path.join(directory, 'nobody.secret');
  copyFileSync(path.join(directory, 'database.secret'), secret);
  chownSync(secret, 65534, 65534);
  writeFileSync(nobody, ourText.replace(/^database = .*$/m, '$&\ndatabase_password_file = "nobody.secret"'));
  chmodSync(nobody, 0o644);
  const command = [...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'], ...(await builtMandat())];
  for (const args of [['list'], ['who', at('alice')], ['mailbox', 'list'], ['audit']]) {
    const said = await ran([...command, '--config', nobody, ...args]);
    t.match(said, { status: 2, stdout: '', stderr: /whose .* is, this user can't tell[\s\S]*as root/ }, args.join(' '));
  }
});

t.test('the filter: nobody sends by it; mail waits', async (t) => {
  for (const [login, from] of [
    ['bob', 'alice'],
    ['carol', 'alice'],
    ['alice', 'alice'],
  ] as const)
    t.equal(await send(login, from, `away-${login}`), 451, `${login} as ${from}`);
  t.equal(filter.child.exitCode, null);
  const said = () => filter.log().filter(({ err, reason }) => NOT_OURS.test(`${err}${reason}`));
  await waitFor('it says so', LIMIT_MS, () => said().length > 0);
  t.ok(said().length < 5, 'and not again and again');
  const early = await mandatAt(site.configFile, ['filter']);
  t.match(early, { status: 2, stderr: NOT_OURS }, 'one that is started meanwhile ends');
});

t.test('the portal: nobody comes in by it, and its pages say that it can’t be told now', async (t) => {
  for (const who of ['alice', 'bob', 'carol']) {
    const browser = portal.browser();
    const page = await browser.signIn(at(who));
    t.equal(page.status, 503, who);
    t.match(page.headers.get('retry-after'), /^\d+$/);
    t.notMatch(page.body, new RegExp(`${who === 'carol' ? 'alice' : 'carol'}@|postgres:|seal\\.key`), who);
  }
  t.match(JSON.stringify(portal.log), NOT_OURS);
});

t.test('the sidecar: it says so and obeys nothing, who has access keeps it', async (t) => {
  await waitFor('it says so', LIMIT_MS, () => sidecar.log().some(({ msg }) => NOT_OURS.test(String(msg))));
  t.equal(sidecar.child.exitCode, null);
  t.same([await reads('bob'), await reads('carol')], [true, true]);
});

t.test('nothing was written into it', async (t) => {
  t.equal(await everything(name), before);
});

t.test('it leads to ours again: all go on without a restart', async (t) => {
  await leads('ours');
  t.equal(await everything(theirs), before);
  await waitFor('bob sends', LIMIT_MS, async () => (await send('bob', 'alice', 'again')) === 250);
  t.equal(await send('carol', 'alice', 'still'), 550);
  await must(site.mandat('revoke', at('alice'), at('bob'), '--yes'));
  t.notOk(await reads('bob'));
  t.match((await must(site.mandat('audit'))).stdout, /revoke/);
  await must(site.mandat('audit', 'verify'));
  t.equal((await portal.browser().signIn(at('alice'))).status, 200);
  t.equal(sidecar.child.exitCode, null);
});
