/**
 * PostgreSQL lost for good, under a sidecar and a submission filter that run: a fresh cluster in its place, without the role, without the database, with an
 * empty one, and with another site's; what each says, that nobody is let in or thrown out meanwhile, and that nothing is written into what isn't ours. Then the
 * backup of docs/postgresql.md is put back on the new cluster, as written there; and what is to be done where there is none.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { postgresqlProgram } from '../../../config/lab/postgresql-template.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { must } from '../../cli/desk.ts';
import { mandatAt } from '../../cli/warm.ts';
import { examined } from '../../doctor/breakage.ts';
import { startPostgresProxy } from '../../store/postgres-proxy.ts';
import { at, type Running, spawnRun, startSite } from '../site.ts';
import { keepSitesInPostgresql, last } from '../site-in-postgresql.ts';
import { submissionAs } from '../submission.ts';
import { seen } from '../wire.ts';

const LIMIT_MS = 120_000;
const lost = await startPostgresql({ extra: 'synchronous_commit = on' });
t.teardown(() => lost.stop());
const proxy = await startPostgresProxy(lost.port);
t.teardown(() => proxy.close());
let answering = lost;
keepSitesInPostgresql(() => answering, proxy.port);
const site = await startSite({
  users: ['alice', 'bob', 'carol', 'dave'],
  chroot: false,
  filter: true,
  extraSubmission: 'sent_copy = "none"',
});
t.teardown(() => site.stop());
const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-lost-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const dump = path.join(directory, 'mandat.dump');

const role = /postgres:\/\/(\w+)@/.exec(readFileSync(site.configFile, 'utf8'))?.[1] ?? '';
/** As the superuser. */
const program = ({ socketDirectory, port }: typeof lost, name: string, ...args: readonly string[]) =>
  promisify(execFile)(postgresqlProgram(name), ['-h', socketDirectory, '-p', `${port}`, '-U', 'postgres', ...args]);
const access = async (name: string) => Object.keys(await seen(site, 'alice', name)).length > 0;
const sent = async (name: string) => {
  const session = await submissionAs(site, name);
  const { code } = await session.sendMail(at('alice'), at('dave'), `From: ${at('alice')}\r\nSubject: x\r\n\r\nx\r\n`);
  session.close();
  return code;
};
const grant = (name: string) => must(site.mandat('grant', at('alice'), at(name)));

let sidecar: Running;
let fresh: typeof lost;
const told = (what: RegExp) =>
  waitFor(
    `the sidecar says ${what}`,
    LIMIT_MS,
    () => sidecar.log().some(({ msg }) => what.test(String(msg))),
    () => JSON.stringify(sidecar.log().slice(-10)),
  );

t.test('what stands, and what is dumped of it', async () => {
  await site.register('alice', 'bob', 'carol', 'dave');
  sidecar = await site.run();
  await grant('bob');
  await grant('carol');
  await program(lost, 'pg_dump', '--format=custom', `--file=${dump}`, `--dbname=${last.database}`);
  await must(site.mandat('revoke', at('alice'), at('carol'), '--yes'));
  await grant('dave');
  for (const name of ['bob', 'dave']) await waitFor(`${name} sends`, LIMIT_MS, async () => (await sent(name)) === 250);
  await lost.kill();
  fresh = await startPostgresql();
});
t.teardown(() => fresh?.stop());

/** What a command says, and that all is as it was. */
async function nothingMoves(t: Test, says: RegExp): Promise<void> {
  for (const args of [['status'], ['grant', at('alice'), at('carol')], ['revoke', at('alice'), at('bob'), '--yes']]) {
    const said = await site.mandat(...args);
    t.match(said, { status: 2, stderr: says }, args.join(' '));
    t.notMatch(said.stderr, /\n +at /);
  }
  t.same([await access('bob'), await access('carol'), await access('dave')], [true, false, true]);
  t.same([await sent('bob'), await sent('dave')], [451, 451], 'messages wait, and none is let through');
  t.not(Math.floor((await sent('carol')) / 100), 2);
}

t.test('a fresh cluster: no role, no database, an empty one; each is said, and what is to be done', async (t) => {
  proxy.target = fresh.port;
  proxy.cut();
  await told(/does not let user .* in.*has to be mended before anything is granted or taken away/);
  await nothingMoves(t, /does not let user \w+ in[\s\S]*database_password_file and pg_hba\.conf/);
  await fresh.sql('postgres', `CREATE ROLE ${role} LOGIN CREATEROLE PASSWORD 'pw-${role}'`);
  await told(/there is no database/);
  await nothingMoves(t, /there is no database \w+[\s\S]*createdb/);
  await fresh.sql('postgres', `CREATE DATABASE ${last.database} OWNER ${role}`);
  await told(/is not as mandat makes it/);
  await nothingMoves(t, /is not there[\s\S]*"mandat init"/);
  t.match(await site.mandat('init'), {
    status: 2,
    stderr:
      /what mandat had for itself in postgres:.* is gone: seal\.head .*\(MANDAT_STATE_LOST\)[\s\S]*put it back from the backup/,
  });
  t.equal(await fresh.sql(last.database, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'mandat%'"), '0');
});

t.test("another site's database: nothing of it is believed, and nothing is written into it", async (t) => {
  const text = readFileSync(site.configFile, 'utf8');
  const other = path.join(directory, 'mandat.toml');
  cpSync(path.dirname(site.configFile), directory, {
    recursive: true,
    filter: (file) => file === path.dirname(site.configFile) || file.endsWith('.secret'),
  });
  writeFileSync(other, text.replace(/^data_dir = .*$/m, `data_dir = "${directory}/data"`));
  await must(mandatAt(other, ['init']));
  await must(mandatAt(other, ['mailbox', 'add', at('alice')]));
  const facts = () =>
    fresh.sql(
      last.database,
      "SELECT name, value FROM mandat_private.facts WHERE name NOT LIKE 'filter%' ORDER BY name",
    );
  const before = await facts();
  await told(/is not the key that its audit trail is sealed with|another sidecar has taken/);
  t.same([await access('bob'), await access('carol'), await access('dave')], [true, false, true]);
  t.same([await sent('bob'), await sent('dave')], [451, 451]);
  t.match(await site.mandat('mailbox', 'add', at('carol')), {
    status: 2,
    stderr: /is not this site's[\s\S]*see where "database" leads/,
  });
  await site.stopSidecars();
  const again = await spawnRun(site.configFile);
  t.equal(await again.end('SIGCONT'), 2, 'started anew, it ends');
  t.match(again.output(), /is not the key that its audit trail is sealed with/);
  t.equal(await facts(), before);
  t.notMatch(before, /restored|adopting/, 'it is not held, as an older copy of ours would be');
  t.equal(await fresh.sql(last.database, 'SELECT count(*) FROM mandat.delegation'), '0');
  t.same([await access('bob'), await access('carol'), await access('dave')], [true, false, true]);
});

t.test('the backup, put back on the new cluster as the manual has it', async (t) => {
  answering = fresh;
  await program(fresh, 'dropdb', last.database);
  for (const name of ['writers', 'readers', 'postfix', 'filter']) {
    await fresh.sql('postgres', `DROP ROLE IF EXISTS ${role}_${name}`); // of the other site's init
    await program(fresh, 'createuser', '--no-login', `${role}_${name}`);
  }
  await program(fresh, 'createdb', '--owner', role, last.database);
  await program(fresh, 'pg_restore', '--exit-on-error', `--dbname=${last.database}`, dump);
  sidecar = await site.run();
  await site.settled(150_000);
  t.same([await access('bob'), await access('carol'), await access('dave')], [true, false, false]);
  t.match((await site.mandat('status')).stdout, /older than the one last seen/);
  let code = 0;
  await waitFor(
    'who has it sends',
    LIMIT_MS,
    async () => {
      code = await sent('bob');
      return code === 250;
    },
    () => `${code}: ${JSON.stringify(sidecar.log().slice(-20))}`,
  );
  for (const name of ['carol', 'dave']) t.not(Math.floor((await sent(name)) / 100), 2, name);
  t.match((await examined(site)).get('PostgreSQL roles'), { status: 'ok' });
  await must(site.mandat('revoke', at('alice'), at('carol'), '--yes'));
  t.match(await must(site.mandat('restore', 'accept', '--yes')), { stdout: /obeyed in full/ });
  await grant('dave');
  t.same([await access('bob'), await access('carol'), await access('dave')], [true, false, true]);
  t.match(await site.mandat('audit', 'verify'), { status: 0 });
});

t.test('there is no backup: the rows are put in anew, before the sidecar starts', async (t) => {
  await site.stopSidecars();
  await program(fresh, 'dropdb', last.database);
  await program(fresh, 'createdb', '--owner', role, last.database);
  t.match(await must(site.mandat('init', '--new-seal-key')), { stdout: /a new key/ });
  t.match(await site.mandat('mailbox', 'add', at('alice')), { status: 5, stderr: /older than the one last seen/ });
  await site.register('alice', 'bob');
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`);
  sidecar = await site.run();
  await site.settled();
  t.match((await site.mandat('status')).stdout, /older than the one last seen/);
  t.same([await access('bob'), await access('dave')], [true, false], 'who has a row keeps it, who has none loses it');
  await must(site.mandat('restore', 'accept', '--yes'));
  await site.settled();
  t.same([await access('bob'), await access('carol'), await access('dave')], [true, false, false]);
  await waitFor('and sends', LIMIT_MS, async () => (await sent('bob')) === 250);
  t.match(await site.mandat('verify'), { status: 0 });
  t.match(await site.mandat('audit', 'verify'), { status: 0 });
});
