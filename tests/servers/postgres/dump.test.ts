/** The backup of docs/postgresql.md, as written there: dumped by pg_dump, the database lost, restored by pg_restore; nobody is given anything by what is stale. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { postgresqlProgram } from '../../../config/lab/postgresql-template.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { must } from '../../cli/desk.ts';
import { examined } from '../../doctor/breakage.ts';
import { last, postgresql } from '../on-postgresql.ts';
import { at, startSite } from '../site.ts';
import { senderAnswer } from '../submission.ts';
import { seen } from '../wire.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-dump-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const dump = path.join(directory, 'mandat.dump');
const site = await startSite({ users: ['alice', 'bob', 'carol', 'dora'] });
t.teardown(() => site.stop());

/** As the superuser. */
const program = (name: string, ...args: readonly string[]) =>
  promisify(execFile)(postgresqlProgram(name), [
    ...['-h', path.join(postgresql.socketDirectory), '-p', `${postgresql.port}`, '-U', 'postgres'],
    ...args,
  ]);
const access = async (name: string) => Object.keys(await seen(site, 'alice', name)).length > 0;
const sends = async (name: string) => (await senderAnswer(site, name, at('alice'))).code === 250;
const both = async (name: string) => [await access(name), await sends(name)];
const grant = (name: string) => must(site.mandat('grant', at('alice'), at(name)));

t.test(
  'dumped, lost, and put back: what was revoked since stays revoked, what was granted since is taken away',
  async (t) => {
    await site.register('alice', 'bob', 'carol', 'dora');
    await site.run();
    await site.settled();
    await grant('bob');
    await grant('carol');
    await program('pg_dump', '--format=custom', `--file=${dump}`, `--dbname=${last.database}`);
    await must(site.mandat('revoke', at('alice'), at('bob'), '--yes'));
    await grant('dora');
    t.same(
      [await both('bob'), await both('carol'), await both('dora')],
      [
        [false, false],
        [true, true],
        [true, true],
      ],
    );

    await site.stopSidecars();
    const owner = await postgresql.sql(
      'postgres',
      `SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '${last.database}'`,
    );
    await program('dropdb', last.database);
    await program('createdb', '--owner', owner, last.database);
    await program('pg_restore', '--exit-on-error', `--dbname=${last.database}`, dump);
    await site.run();
    await site.settled();

    await waitFor('whose row is lost loses it', 60_000, async () => (await both('dora')).join() === 'false,false');
    t.same(await both('bob'), [false, false], 'nothing is granted on stale knowledge');
    t.same(await both('carol'), [true, true], 'who had access keeps it');
    t.match(await site.mandat('status'), { status: 1, stdout: /older than the one last seen/ });
    t.match(await site.mandat('restore', directory), { status: 3, stderr: /MANDAT_POSTGRESQL/ });
    const lines = await examined(site);
    t.match(lines.get('PostgreSQL roles'), { status: 'ok' }, 'who may reach what came along');
  },
);

t.test('accepted: it is obeyed in full, and the trail is proven', async (t) => {
  t.match(await site.mandat('restore', 'accept', '--yes'), { status: 0, stdout: /obeyed in full/ });
  await site.settled();
  t.same(await both('bob'), [true, true], 'as the dump has it');
  await must(site.mandat('revoke', at('alice'), at('bob'), '--yes'));
  t.same(await both('bob'), [false, false]);
  t.match(await site.mandat('audit', 'verify'), { status: 0 });
});
