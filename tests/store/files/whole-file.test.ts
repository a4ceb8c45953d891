import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DELEGATIONS } from '../../../bridge/store/databases.ts';
import { migrate } from '../../../bridge/store/files/open.ts';
import { makeWhole } from '../../../bridge/store/files/whole-file.ts';

t.test('a file has its name when it is whole, and not before', async (t) => {
  const directory = t.testdir({});
  const file = join(directory, 'x');
  const made = makeWhole(file, (draft) => {
    writeFileSync(draft, 'half');
    t.notOk(readdirSync(directory).includes('x'), 'in the middle of it');
    writeFileSync(draft, 'whole');
  });
  t.ok(made);
  t.same(readdirSync(directory), ['x'], 'nothing else is left');
  t.equal(readFileSync(file, 'utf8'), 'whole');
});

t.test('who comes second leaves the first alone', async (t) => {
  const directory = t.testdir({});
  const file = join(directory, 'x');
  const made = makeWhole(file, (draft) => {
    writeFileSync(draft, 'second');
    writeFileSync(file, 'first'); // somebody else, meanwhile
  });
  t.notOk(made);
  t.same(readdirSync(directory), ['x']);
  t.equal(readFileSync(file, 'utf8'), 'first');
});

t.test('what fails half-way leaves nothing, and may be tried again', async (t) => {
  const directory = t.testdir({});
  const file = join(directory, 'x.db');
  const bad = { ...DELEGATIONS, migrations: [...DELEGATIONS.migrations, 'CREATE TABLE mailboxes (twice)'] };
  t.throws(() => migrate(file, bad), 'a migration that fails');
  t.same(readdirSync(directory), [], 'no database of which only a part is there');
  t.same(migrate(file, DELEGATIONS), { from: 0, to: DELEGATIONS.migrations.length });
});
