import { copyFileSync, rmSync } from 'node:fs';
import t from 'tap';
import {
  acceptRestored,
  isFromThePast,
  rememberVersion,
  tableAge,
} from '../../bridge/safeguards/table-from-the-past.ts';
import { initialise } from '../../bridge/store/databases.ts';
import type { DataFiles } from '../../bridge/store/files/data-files.ts';
import { fact } from '../../bridge/store/state/facts.ts';
import type { StateDb } from '../../bridge/store/state/state-db.ts';
import { type DelegationDb, openDelegationDb } from '../../bridge/store/table/delegation-db.ts';
import { pendingMailboxes, readMailbox } from '../../bridge/store/table/rows.ts';
import { freshFiles, openState } from '../store/fresh.ts';
import { asMandat, row, rows } from '../store/shell.ts';
import { WORLD } from '../store/world.ts';

const grant = (delegate: string) =>
  `INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', '${delegate}')`;

/** What a sidecar sees that starts, looks, and stops. */
async function started<T>(files: DataFiles, work: (table: DelegationDb) => Promise<T>): Promise<T> {
  const table = openDelegationDb(files.delegations);
  try {
    return await work(table);
  } finally {
    await table.close();
  }
}

const age = (files: DataFiles, state: StateDb) => started(files, (table) => tableAge(table, state));

const backup = (files: DataFiles) => `${files.delegations}.yesterday`;
const keep = (files: DataFiles) => rows(files.delegations, `VACUUM INTO '${backup(files)}'`);
const putBack = (files: DataFiles) => {
  for (const end of ['', '-wal', '-shm']) rmSync(files.delegations + end, { force: true });
  copyFileSync(backup(files), files.delegations);
};

t.test('a table that is seen for the first time, and one that goes on, is current', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  rows(files.delegations, WORLD);
  t.equal(await age(files, state), 'current', 'the first time');
  t.equal(await age(files, state), 'current', 'unchanged');
  rows(files.delegations, grant('bob'));
  t.equal(await age(files, state), 'current', 'changed while nobody looked');
  keep(files);
  putBack(files);
  t.equal(await age(files, state), 'current', 'a copy of the very same state');
});

t.test("yesterday's copy put back is restored, until somebody accepts it", async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  rows(files.delegations, `${WORLD}; ${grant('bob')}`);
  keep(files);
  rows(files.delegations, 'DELETE FROM delegation');
  t.equal(await age(files, state), 'current');
  putBack(files);
  t.equal(row(files.delegations, 'SELECT delegate FROM delegation'), 'bob', 'the revoked delegation is back');

  t.ok(await started(files, (table) => isFromThePast(table, state)), 'it shows without anything being changed');
  t.equal(await age(files, state), 'restored');
  t.equal(await age(files, state), 'restored', 'after a restart too');
  rows(files.delegations, grant('carol'));
  t.equal(await age(files, state), 'restored', 'and after whatever is written to it');
  t.ok(await acceptRestored(state));
  t.equal(await age(files, state), 'current');
  t.notOk(await acceptRestored(state), 'there is nothing left to accept');
  t.equal(await age(files, state), 'current');
  putBack(files);
  t.equal(await age(files, state), 'restored', 'accepted once is not accepted for ever');
});

t.test('one change is enough', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  rows(files.delegations, WORLD);
  keep(files);
  rows(files.delegations, grant('bob'));
  await age(files, state);
  putBack(files);
  t.equal(await age(files, state), 'restored');
});

t.test('what was seen while the sidecar ran counts, not only what was there at its start', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  rows(files.delegations, `${WORLD}; ${grant('bob')}`);
  await started(files, async (table) => {
    await tableAge(table, state);
    keep(files);
    rows(files.delegations, 'DELETE FROM delegation');
    await rememberVersion(table, state); // as after each pass
  });
  putBack(files);
  t.equal(await age(files, state), 'restored');
});

t.test('another table in its place is restored, however far it has come', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  rows(files.delegations, WORLD);
  await age(files, state);
  for (const end of ['', '-wal', '-shm']) rmSync(files.delegations + end, { force: true });
  initialise(files);
  rows(files.delegations, `${WORLD}; ${asMandat('UPDATE counters SET version = 1000000')}; ${grant('bob')}`);
  t.equal(await age(files, state), 'restored');
  t.equal(await age(files, state), 'restored');
  await acceptRestored(state);
  t.equal(await age(files, state), 'current', 'its epoch is ours from then on');
});

t.test('versions only ever grow: whoever waits is never answered by the past', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  rows(files.delegations, WORLD);
  keep(files);
  for (let i = 1; i <= 5; i++) rows(files.delegations, grant(`d${i}`));
  const version = Number(row(files.delegations, 'SELECT version FROM counters'));
  await age(files, state);
  putBack(files);
  await age(files, state);
  t.ok(Number(row(files.delegations, 'SELECT version FROM counters')) > version);
  rows(files.delegations, grant('bob'));
  await started(files, async (table) => {
    const [alice] = (await pendingMailboxes(table)).slice(-1);
    t.ok((alice?.version ?? 0) > version, 'a change in it is newer than all that was seen');
    t.ok((await readMailbox(table, alice?.mailboxId ?? 0)).version > version);
  });
});

t.test('its audit events count anew: better one twice than one lost', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  rows(files.delegations, WORLD);
  keep(files);
  rows(files.delegations, grant('bob'));
  await age(files, state);
  await state.query.insertInto('facts').values({ name: 'drained', value: '99' }).execute();
  t.equal(await age(files, state), 'current');
  t.equal(await fact(state, 'drained'), '99', 'a current one goes on');
  putBack(files);
  await age(files, state);
  t.equal(await fact(state, 'drained'), '0');
});
