/** Two machines on one PostgreSQL, each with a data_dir of its own: what is imported on one is what both read. */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { startPostgresql } from '../../config/lab/postgresql.ts';
import { type Desk, desk, must } from '../cli/desk.ts';
import { extractOf, PHYSICIAN } from './extract-maker.ts';

const postgresql = await startPostgresql();
t.teardown(() => postgresql.stop());
const database = await postgresql.createDatabase();
const psql = (query: string) => postgresql.sql(database, query);
await psql(`CREATE ROLE mandat LOGIN CREATEROLE PASSWORD 'pw'; ALTER DATABASE ${database} OWNER TO mandat`);

async function machine(like?: Desk): Promise<Desk> {
  const one = await desk(t, {
    init: false,
    config: `data_dir = "data"
database = "postgres://mandat@127.0.0.1:${postgresql.port}/${database}"
[identity]
scheme = "rpps"
[imap]
port = 1
tls = "none"
`,
  });
  writeFileSync(path.join(one.directory, 'database.secret'), 'pw\n', { mode: 0o600 });
  if (like !== undefined) {
    mkdirSync(path.join(one.directory, 'data/private'), { recursive: true, mode: 0o700 });
    cpSync(path.join(like.directory, 'data/private/seal.key'), path.join(one.directory, 'data/private/seal.key'));
  }
  await must(one.mandat('init'));
  return one;
}

const person = (n: number) => ({
  identifier: `8100000000${n}${n}`,
  lastName: `NAME${n}`,
  firstName: 'Anne',
  profession: PHYSICIAN,
});
const extract = (at: Desk, ...people: readonly number[]) => {
  const file = path.join(at.directory, 'extract.txt');
  writeFileSync(file, extractOf(people.map(person)));
  return file;
};
const known = async (at: Desk) => ((await at.json('directory', 'status')) as { people: number }).people;
const generations = (at: Desk) =>
  readdirSync(path.join(at.directory, 'data/private')).filter((name) => name.startsWith('directory'));

t.test('the directory and the white list', async (t) => {
  const one = await machine();
  const two = await machine(one);
  await must(one.mandat('directory', 'import', extract(one, 1, 2, 3)));
  const found = await two.mandat('directory', 'search', '--last-name', 'name2', '--first-name', 'anne');
  t.match(found.stdout, /NAME2/, 'imported on one, found on the other');
  t.match(found.stdout + found.stderr, /taken over, as it was imported on another machine: directory/);
  t.notMatch(
    (await two.mandat('directory', 'search', '--last-name', 'name2', '--first-name', 'anne')).stdout,
    /taken over/,
    'once',
  );
  await must(two.mandat('directory', 'import', extract(two, 1, 2, 3, 4)));
  t.equal(await known(one), 4, 'and the other way');
  t.same(
    [generations(one), generations(two)],
    [['directory-2.db'], ['directory-2.db']],
    'nothing of the one before is kept',
  );
  t.equal(await psql('SELECT count(DISTINCT upload) FROM mandat_private.shared_portions'), '1', 'nor in PostgreSQL');

  const list = path.join(one.directory, 'list.xml');
  writeFileSync(
    list,
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListeBlanche xmlns="https://listeblanche.mssante.fr/schema"><Domaine><Nom>a.mssante.fr</Nom><Operateur>X</Operateur></Domaine></ListeBlanche>\n',
  );
  const whiteList = async (at: Desk) =>
    ((await at.json('directory', 'status')) as { whiteList: { domains: number } | null }).whiteList?.domains;
  const imported = await one.mandat('directory', 'import', '--whitelist', list);
  t.equal(imported.status, 0, imported.stderr);
  t.equal(await whiteList(two), 1);

  await must(one.mandat('directory', 'import', extract(one, 1, 2, 3, 4, 5)));
  await psql(
    "UPDATE mandat_private.shared_portions SET bytes = set_byte(bytes, 5000, 255 - get_byte(bytes, 5000)) WHERE name LIKE 'directory%'",
  );
  const damaged = await two.mandat('directory', 'status');
  t.match(
    damaged.stderr,
    /is not the one that was imported.*nothing of it was taken; what was imported here last is read/,
  );
  t.match(damaged.stdout, /people +4/);
  t.same(generations(two), ['directory-2.db']);
  await postgresql.halt();
  const away = await two.mandat('directory', 'search', '--last-name', 'name2', '--first-name', 'anne');
  t.equal(away.status, 0, 'without PostgreSQL the last one is read');
  t.match(away.stderr, /can't be reached.*what was imported here last is read/);
});
