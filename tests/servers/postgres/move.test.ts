/** A site with open delegations moves from files into PostgreSQL and back, while its sidecar runs and others write; killed on the way, and done again. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { builtMandat } from '../../cli/built.ts';
import { at, type Running, startSite } from '../site.ts';
import { seen, serverFiles } from '../wire.ts';

const postgresql = await startPostgresql();
t.teardown(() => postgresql.stop());
const site = await startSite({ users: ['alice', 'bob', 'carol', 'dave'], postfix: false });
t.teardown(() => site.stop());

const database = await postgresql.createDatabase();
await postgresql.sql(
  database,
  `CREATE ROLE mover LOGIN CREATEROLE PASSWORD 'pw'; ALTER DATABASE ${database} OWNER TO mover`,
);
const url = `postgres://mover@127.0.0.1:${postgresql.port}/${database}`;
const secret = path.join(path.dirname(site.configFile), 'database.secret');
writeFileSync(secret, 'pw\n', { mode: 0o600 });
const inFiles = readFileSync(site.configFile, 'utf8');
const inPostgres = `database = "${url}"\n${inFiles}`;

const done = async (...args: readonly string[]) => {
  const { status, stdout, stderr } = await site.mandat(...args);
  if (status !== 0) throw new Error(`mandat ${args.join(' ')}: ${status} ${stdout}${stderr}`);
  return stdout;
};
const access = async (name: string) => Object.keys(await seen(site, 'alice', name)).length > 0;

/** Another program that grants and revokes until it is told where the table is; answers what stood last. */
async function writing(
  sql: (query: string) => Promise<string>,
  stands: boolean,
): Promise<{ granted: boolean; refused: string; writes: number }> {
  let granted = stands;
  for (let writes = 0; ; writes++) {
    try {
      await sql(
        granted
          ? `DELETE FROM delegation WHERE delegate = '${at('dave')}'`
          : `INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('dave')}')`,
      );
      granted = !granted;
    } catch (error) {
      const refused = String((error as { stderr?: string }).stderr ?? (error as Error).message) + String(error);
      if (/MANDAT_MOVED/.test(refused)) return { granted, refused, writes };
      if (!/locked|BUSY/.test(refused)) throw error;
    }
    await delay(20);
  }
}

/** Ends by SIGKILL after so long, unless it was faster. */
async function killedCopy(to: string, afterMs: number): Promise<boolean> {
  const [file = '', ...first] = await builtMandat();
  const child = spawn(file, [...first, '--config', site.configFile, 'database', 'copy', '--to', to, '--yes'], {
    stdio: 'ignore',
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
  const [, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once('exit', (...how) => resolve(how)),
  );
  clearTimeout(timer);
  return signal === 'SIGKILL';
}

/** At most one of both is in use. */
async function inUse(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [name, toml] of [
    ['files', inFiles],
    ['postgres', inPostgres],
  ] as const) {
    writeFileSync(site.configFile, toml);
    if ((await site.mandat('list')).status === 0) found.push(name);
  }
  writeFileSync(site.configFile, inFiles);
  return found;
}

const ended = async (sidecar: Running) => {
  t.equal(await sidecar.end('SIGCONT'), 2, 'the sidecar ends by itself');
  t.ok(sidecar.log().some(({ msg }) => /has moved to/.test(String(msg))));
};

t.test('into PostgreSQL, while the sidecar runs and others write', async (t) => {
  await site.register('alice', 'bob', 'carol', 'dave');
  const sidecar = await site.run();
  for (const name of ['bob', 'carol']) await done('grant', at('alice'), at(name));
  const portal = writing(site.sql, false);
  for (const afterMs of [500, 1000].map((about) => about * (0.5 + Math.random()))) {
    const killed = await killedCopy(url, afterMs);
    const now = await inUse();
    t.comment(`after ${Math.round(afterMs)} ms: ${killed ? 'killed' : 'done'}, in use: ${now}`);
    t.ok(now.length <= 1 && (killed || now[0] === 'postgres'), `never both: ${now}`);
  }
  if (!(await inUse()).includes('postgres'))
    t.match(await done('database', 'copy', '--to', url, '--yes'), /moved from .* nobody could write for \d+ ms/s);
  const { granted, refused, writes } = await portal;
  t.match(refused, /MANDAT_MOVED: .*postgres:\/\/mover@/, 'who writes there still is told where');
  t.comment(`${writes} grants and revokes meanwhile`);
  await ended(sidecar);
  t.match(await site.mandat('list'), { status: 2, stderr: /has moved to postgres.*MANDAT_MOVED/s });
  t.match(await site.mandat('run'), { status: 2, stderr: /MANDAT_MOVED/ });
  t.match(await site.mandat('init', '--repair-rules'), { status: 2, stderr: /MANDAT_MOVED/ });
  for (const name of ['bob', 'carol']) t.ok(await access(name), `${name} still reads`);

  writeFileSync(site.configFile, inPostgres);
  t.equal((await done('list', '--json')).includes(at('dave')), granted, 'what was committed last came along');
  await site.run();
  const settled = async () => (await postgresql.sql(database, 'SELECT count(*) FROM mandat.pending')) === '0';
  await waitFor('what was still to be done is done', 20_000, settled);
  for (const name of ['bob', 'carol']) t.ok(await access(name));
  t.equal(await access('dave'), granted);
  const before = serverFiles(site);
  await done('sync');
  t.same(serverFiles(site), before, 'what is as it should be is written by nobody');
  await done('revoke', at('alice'), at('bob'), '--yes');
  t.notOk(await access('bob'), 'a revoke is obeyed');
  await done('audit', 'verify');
  t.match(await done('audit'), /database-moved/);
});

t.test('and back', async (t) => {
  writeFileSync(site.configFile, inPostgres);
  const stands = await access('dave');
  const portal = writing((query) => postgresql.sql(database, `SET search_path = mandat; ${query}`), stands);
  if ((await killedCopy('files', 300 + Math.random() * 400)) || (await inUse())[0] !== 'files') {
    writeFileSync(site.configFile, inPostgres);
    await done('database', 'copy', '--to', 'files', '--yes');
  }
  const { granted, refused } = await portal;
  t.match(refused, /MANDAT_MOVED: .*files in/);
  t.same(await inUse(), ['files']);
  await site.stopSidecars();
  await site.run();
  await site.settled();
  t.ok(await access('carol'));
  t.notOk(await access('bob'));
  t.equal(await access('dave'), granted);
  await done('audit', 'verify');
  t.match(await site.mandat('status'), { status: 0 });
});
