/** Whom the directory lists is noted in portions: nobody else who writes to the table waits for all of it. */
import Database from 'better-sqlite3';
import t from 'tap';
import { isBusy } from '../../../bridge/store/files/busy.ts';
import type { DelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { noteListed } from '../../../bridge/store/table/listed-people.ts';
import { freshFiles, openTable } from '../fresh.ts';
import { prepare, row } from '../shell.ts';

const COUNT = 1200;
const WRITER = { actor: 'admin', reason: 'directory import' };
const person = (n: number) => `8${String(n).padStart(11, '0')}`;
const NAMED = { firstName: 'Zoé', lastName: 'Martin', profession: 'Médecin' };

t.test('an import that changes everybody, beside another writer', async (t) => {
  const files = freshFiles(t);
  const people = (into: string) =>
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${COUNT}) INSERT INTO ${into}`;
  prepare(
    files.delegations,
    `BEGIN; ${people('delegate (id)')} SELECT printf('8%011d', i) FROM n;
     ${people('mailbox (address, owner)')} SELECT 'm' || i || '@example.org', printf('8%011d', i + 5000) FROM n; COMMIT`,
  );
  const table = openTable(t, files);
  let writes = 0;
  const counted: DelegationDb = {
    ...table,
    write: (writer, work) => {
      writes++;
      return table.write(writer, work);
    },
  };
  const other = new Database(files.delegations, { timeout: 0 });
  t.teardown(() => other.close());
  /** Takes the lock as soon as it is free, as a process would. */
  let turns = 0;
  let seenBefore = -1;
  const between = setInterval(() => {
    try {
      other.transaction(() => {}).immediate();
      if (writes > seenBefore) turns++; // in another gap than the last time
      seenBefore = writes;
    } catch (error) {
      if (!isBusy(error)) throw error;
    }
  }, 2);
  t.teardown(() => clearInterval(between));
  const gone = (id: string) => (id.endsWith('7') ? undefined : NAMED);
  const { listed, renamed } = await noteListed(counted, WRITER, gone);
  t.ok(writes > 10, `${writes} transactions`);
  t.ok(turns > writes / 2, `${turns} turns of the other writer`);
  t.equal(listed.length, 2 * COUNT);
  t.equal(renamed.length, COUNT - COUNT / 10, 'all that are listed');
  t.equal(row(files.delegations, 'SELECT count(*) FROM delegates WHERE listed = 0'), String(COUNT / 10));
  t.equal(row(files.delegations, 'SELECT count(*) FROM mailboxes WHERE owner_listed = 1'), String(COUNT - COUNT / 10));
  t.match(
    row(files.delegations, "SELECT actor, reason FROM events WHERE action = 'account-identity' ORDER BY id DESC"),
    'admin|directory import',
  );
  writes = 0;
  t.same(await noteListed(counted, WRITER, gone), { listed: [], renamed: [] });
  t.equal(writes, 0, 'nothing has changed: nothing is written');
});

t.test('broken off, the next one makes up for it', async (t) => {
  const files = freshFiles(t);
  prepare(files.delegations, `INSERT INTO delegate (id) VALUES ('${person(1)}'), ('${person(2)}'), ('${person(3)}')`);
  const table = openTable(t, files);
  const dying: DelegationDb = { ...table, write: () => Promise.reject(new Error('killed')) };
  await t.rejects(
    noteListed(dying, WRITER, () => NAMED),
    /killed/,
  );
  const { listed } = await noteListed(table, WRITER, () => NAMED);
  t.same(
    listed.map(({ identifier }) => identifier),
    [person(1), person(2), person(3)],
  );
});
