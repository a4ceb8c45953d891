/** What is printed is found by indexes, however much there is besides: no statement scans a table or sorts what it found. */

import Database from 'better-sqlite3';
import { type CompiledQuery, Kysely } from 'kysely';
import t, { type Test } from 'tap';
import { mendValues } from '../../../bridge/safeguards/mended-values.ts';
import { lastVersionSeen } from '../../../bridge/safeguards/table-from-the-past.ts';
import { patientDialect } from '../../../bridge/store/files/busy.ts';
import type { StateDb } from '../../../bridge/store/state/state-db.ts';
import { anythingHeld, countNotices, outcomesWith } from '../../../bridge/store/state/troubles.ts';
import { waitingMailboxes } from '../../../bridge/store/state/waiting-mailboxes.ts';
import type { DelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { dueBetween, nextDue } from '../../../bridge/store/table/due-times.ts';
import { changedAfter } from '../../../bridge/store/table/rows.ts';
import { type AuditFilter, readAudit } from '../../../bridge/store/trail/trail-reading.ts';
import { freshFiles, openState, openTable } from '../fresh.ts';
import { rows } from '../shell.ts';

/** The same database, and how SQLite would run what it has been asked. */
function explained<D extends DelegationDb | StateDb>(t: Test, db: D) {
  const asked: CompiledQuery[] = [];
  const plain = new Database(db.file);
  const query = new Kysely({
    dialect: patientDialect(new Database(db.file)),
    log: ({ level, query: one }) => {
      if (level === 'query') asked.push(one);
    },
  });
  t.teardown(async () => {
    await query.destroy();
    plain.close();
  });
  const plans = () =>
    asked.splice(0).flatMap(({ sql, parameters }) =>
      plain
        .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all(...parameters)
        .map(({ detail }) => detail),
    );
  return { db: { ...db, query } as D, plans };
}

const ZERO = '2026-11-26T08:00:00.000Z';

t.test('audit and history: the last that match, by an index, in its order', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [explained(t, openTable(t, files)), explained(t, openState(t, files))];
  const one = 'alice@example.org';
  const filters: readonly (readonly [Partial<AuditFilter>, RegExp])[] = [
    [{}, /^SEARCH audit USING INTEGER PRIMARY KEY \(rowid>\?\)$/],
    [{ mailbox: one }, /^SEARCH audit USING INDEX audit_mailbox \(mailbox=\?\)$/],
    [{ delegate: 'bob' }, /^SEARCH audit USING INDEX audit_delegate \(delegate=\?\)$/],
    [{ since: ZERO }, /^SEARCH audit USING INDEX audit_at \(at>\?\)$/],
    [{ mailbox: one, since: ZERO }, /^SEARCH audit USING INDEX audit_mailbox \(mailbox=\? AND at>\?\)$/],
  ];
  for (const [filter, expected] of filters) {
    await readAudit(state.db, table.db, { limit: 10, ...filter });
    // Beside the facts, of which there are a few dozen, the newest checkpoint is asked for: a row, in the order of its primary key, so that nothing is sorted for it.
    const [sealed, ...more] = state.plans().filter((line) => !/^(?:SCAN facts$|SCAN audit_checkpoints$)/.test(line));
    t.match(sealed, expected, JSON.stringify(filter));
    t.same(more, [], 'and nothing is sorted');
    const unsealed = table.plans().filter((line) => !line.startsWith('SEARCH'));
    t.same(unsealed, Object.keys(filter).length === 0 ? ['SCAN events'] : [], 'from the end on, in its order');
  }
});

t.test('no more rows leave the databases than are asked for', async (t) => {
  const files = freshFiles(t);
  const many = (into: string, count: number, columns: string, values: string) =>
    rows(
      into,
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) INSERT INTO ${columns} SELECT ${values} FROM n`,
    );
  many(files.delegations, 3000, 'events (at, actor, action, mailbox)', `'${ZERO}', 'sql', 'e' || i, 'box' || (i % 3)`);
  many(
    files.state,
    3000,
    'audit (at, actor, action, mailbox, seal)',
    `'2026-11-25T08:00:00.000Z', 'sql', 'a' || i, 'box' || (i % 3), 'x'`,
  );
  const [table, state] = [openTable(t, files), openState(t, files)];
  const read = async (filter: AuditFilter) => (await readAudit(state, table, filter)).map(({ action }) => action);
  t.same(await read({ limit: 3 }), ['e2998', 'e2999', 'e3000']);
  t.same(await read({ limit: 2, mailbox: 'box1' }), ['e2995', 'e2998']);
  t.same((await read({ limit: 1001, mailbox: 'box1' })).slice(0, 2), ['a2998', 'e1'], 'the sealed ones before them');
  t.same(await read({ limit: 1, mailbox: 'box0', since: '2026-11-27T00:00:00.000Z' }), []);
});

t.test('what waits, fails and is noticed: four statements for all that waits, each mailbox by an index', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [explained(t, openTable(t, files)), explained(t, openState(t, files))];
  rows(files.delegations, "INSERT INTO mailbox (address) VALUES ('a@b'), ('c@d')");
  t.equal((await waitingMailboxes(table.db, state.db, 20)).looked.length, 2);
  await outcomesWith(state.db, 'failure', 5);
  await outcomesWith(state.db, 'notices', 5);
  await anythingHeld(state.db);
  await countNotices(state.db);
  const plans = [...state.plans(), ...table.plans()].filter((line) => /^(SCAN|SEARCH)/.test(line));
  const scans = plans.filter(
    (line) => line.startsWith('SCAN') && !/VIRTUAL TABLE|CONSTANT ROW|SUBQUERY|\(subquery/i.test(line),
  );
  t.same(
    scans.filter(
      (line) => !/USING (?:COVERING )?INDEX (?:outcomes_failing|outcomes_noticed|outcomes_held|outbox_due)/.test(line),
    ),
    [],
    'of the pending ones those of this server are searched, counted, and the first of them read in their order',
  );
  for (const index of ['audit_mailbox (mailbox=? AND at>?)', 'events_mailbox (mailbox=? AND at>?)']) {
    t.equal(plans.filter((line) => line.includes(index)).length, 2, `${index}, and of no mailbox`);
  }
});

t.test('twice as many that wait take as many statements', async (t) => {
  const counts: number[] = [];
  for (const count of [50, 100]) {
    const files = freshFiles(t);
    const [table, state] = [openTable(t, files), openState(t, files)];
    rows(
      files.delegations,
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) INSERT INTO mailbox (address) SELECT 'box' || i || '@b' FROM n`,
    );
    let statements = 0;
    const counting = <D extends DelegationDb | StateDb>(db: D): D => {
      const query = new Kysely({ dialect: patientDialect(new Database(db.file)), log: () => void statements++ });
      t.teardown(() => query.destroy());
      return { ...db, query } as D;
    };
    const waiting = await waitingMailboxes(counting(table), counting(state), 20);
    t.equal(waiting.looked.length, count);
    t.ok(waiting.looked.every(({ since }) => since !== null));
    counts.push(statements);
  }
  t.same(counts, [4, 4]);
});

t.test('what a wake-up asks for is found by indexes', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [explained(t, openTable(t, files)), explained(t, openState(t, files))];
  const config = {
    policy: { maxDelegates: 10, eligibleDomains: 'all' as const },
    identity: { scheme: 'rpps' as const },
  };
  await mendValues(table.db, state.db, config);
  await mendValues(table.db, state.db, config); // the first one has written them
  await nextDue(table.db, ZERO);
  for await (const ids of dueBetween(table.db, '', ZERO)) t.same(ids, []);
  await changedAfter(table.db, { version: 5, mailboxId: 7 }, 10);
  await lastVersionSeen(state.db);
  const plans = [...table.plans(), ...state.plans()].filter((line) => /^(?:SCAN|USE TEMP)/.test(line));
  const few = /^SCAN (?:facts|settings|CONSTANT ROW|counters|sqlite_sequence|writer)/;
  t.same(
    plans.filter((line) => !few.test(line)),
    [],
  );
});
