/** What nobody waits for is taken over in portions, and ended anywhere it loses and doubles nothing. */

import t from 'tap';
import { giveBack, PORTION_ROWS } from '../../../bridge/shared/portions.ts';
import { pruneOutbox } from '../../../bridge/store/state/outbox.ts';
import { openStateDb, type StateDb } from '../../../bridge/store/state/state-db.ts';
import { openSubmissions } from '../../../bridge/store/submissions/submission-db.ts';
import { openDelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { appendAudit } from '../../../bridge/store/trail/sealing.ts';
import { drainEvents } from '../../../bridge/store/trail/take-over-events.ts';
import { drainSubmissions } from '../../../bridge/store/trail/take-over-submissions.ts';
import { proveAudit, proveEnd } from '../../../bridge/store/trail/trail-proof.ts';
import { pruneAudit } from '../../../bridge/store/trail/trail-pruning.ts';
import { sealedEntries } from '../../../bridge/store/trail/trail-reading.ts';
import { entry } from '../entry.ts';
import { freshFiles, openState, openTable } from '../fresh.ts';
import { row, rows } from '../shell.ts';

const KEY = Buffer.alloc(32, 7);
const NOW = '2026-11-26T08:00:00.000Z';
const COUNT = 3 * PORTION_ROWS + 7;

const events = (into: string) =>
  rows(
    into,
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${COUNT})
     INSERT INTO events (at, actor, action, mailbox) SELECT '${NOW}', 'shell', 'grant', 'box' || i FROM n`,
  );

/** How many entries each write of the sidecar has added. */
function counting(state: StateDb): { readonly state: StateDb; readonly added: number[] } {
  const added: number[] = [];
  const count = () => Number(row(state.file, 'SELECT count(*) FROM audit'));
  const write: StateDb['write'] = async (work) => {
    const before = count();
    const result = await state.write(work);
    added.push(count() - before);
    return result;
  };
  return { state: { ...state, write }, added };
}

const sealed = (file: string) => rows(file, 'SELECT mailbox FROM audit ORDER BY id');
const ALL = Array.from({ length: COUNT }, (_, n) => `box${n + 1}`);

t.test('events are sealed in portions, the loop has its turn between them', async (t) => {
  const files = freshFiles(t);
  events(files.delegations);
  const [table, { state, added }] = [openTable(t, files), counting(openState(t, files))];
  let turns = 0;
  let over = false;
  const tick = () => {
    turns++;
    if (!over) setImmediate(tick);
  };
  setImmediate(tick);
  t.equal(await drainEvents(table, state, KEY), COUNT);
  over = true;
  t.ok(Math.max(...added) <= PORTION_ROWS, `${added}`);
  t.ok(turns >= added.length, `${turns} turns of the loop, ${added.length} portions`);
  t.same(sealed(files.state), ALL);
  t.same(rows(files.delegations, 'SELECT * FROM events'), []);
  t.match(await proveAudit(state, KEY), { intact: true, entries: COUNT });
});

t.test(
  'a process that was stopped after it had read them, and that another has stood in for, seals none again',
  async (t) => {
    const files = freshFiles(t);
    events(files.delegations);
    const [table, state] = [openTable(t, files), openState(t, files)];
    let stopped = true;
    const write: StateDb['write'] = async (work) => {
      if (stopped) {
        stopped = false;
        t.equal(await drainEvents(table, state, KEY), COUNT, 'the other one takes all of them over');
      }
      return state.write(work);
    };
    t.equal(await drainEvents(table, { ...state, write }, KEY), 0);
    t.same(sealed(files.state), ALL);
    t.match(await proveAudit(state, KEY), { intact: true, entries: COUNT });
  },
);

t.test('a process that dies between two portions, each time at another place', async (t) => {
  const files = freshFiles(t);
  events(files.delegations);
  let lives = 0;
  for (let over = false; !over; ) {
    // Only so far, then the next life: the connections are new, as are all that was remembered.
    const [table, state] = [openDelegationDb(files.delegations), openStateDb(files.state)];
    let left = lives % 3;
    await drainEvents(table, state, KEY, async () => left-- > 0);
    over = rows(files.delegations, 'SELECT * FROM events').length === 0;
    await Promise.all([table.close(), state.close()]);
    lives++;
  }
  t.ok(lives > 3, `${lives}`);
  t.same(sealed(files.state), ALL, 'none lost, none twice, in order');
  t.match(await proveAudit(openState(t, files), KEY), { intact: true, entries: COUNT });
});

t.test('what the filter has noted, likewise', async (t) => {
  const files = freshFiles(t);
  openSubmissions(files.submissions).close();
  events(files.submissions);
  rows(
    files.submissions,
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${COUNT}) INSERT INTO copies (nonce, mailbox, sent_at, state)
     SELECT 'n' || i, 'a@b', CASE WHEN i = ${COUNT} THEN '${NOW}' ELSE '2026-11-01T00:00:00.000Z' END, 'stored' FROM n`,
  );
  const { state, added } = counting(openState(t, files));
  let lives = 0;
  for (let over = false; !over; ) {
    const store = openSubmissions(files.submissions);
    let left = lives % 3;
    await drainSubmissions(store, state, KEY, NOW, async () => (await giveBack()) && left-- > 0);
    over = (await store.events(1)).length === 0;
    store.close();
    lives++;
  }
  t.ok(Math.max(...added) <= PORTION_ROWS, `${added}`);
  t.same(sealed(files.state), ALL);
  t.match(await proveAudit(state, KEY), { intact: true, entries: COUNT });
  events(files.submissions);
  const store = openSubmissions(files.submissions);
  t.teardown(() => store.close());
  t.equal(await drainSubmissions(store, state, KEY, NOW), COUNT);
  t.same(rows(files.submissions, 'SELECT nonce FROM copies'), [`n${COUNT}`], 'old copies are forgotten');
});

t.test('a trail of years is pruned in portions, and ended anywhere it is whole', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  const old = Array.from({ length: COUNT }, (_, n) => ({
    ...entry('grant'),
    at: '2026-01-01T00:00:00.000Z',
    mailbox: `box${n + 1}`,
  }));
  await appendAudit(state, KEY, [...old, { ...entry('grant'), at: NOW }]);
  const readable = async () => {
    let count = 0;
    for await (const _ of sealedEntries(state, {})) count++;
    return count;
  };
  const stored = () => Number(row(files.state, 'SELECT count(*) FROM audit'));
  const taken: number[] = [];
  const write: StateDb['write'] = async (work) => {
    const before = stored();
    const result = await state.write(work);
    taken.push(before - stored());
    return result;
  };
  let lives = 0;
  for (let left = 0; stored() > 2; left = lives++ % 7) {
    let turns = left;
    await pruneAudit(
      { ...state, write },
      KEY,
      '2026-06-01T00:00:00.000Z',
      NOW,
      async () => (await giveBack()) && turns-- > 0,
    );
    t.match(await proveAudit(state, KEY), { intact: true }, `life ${lives}`);
    t.match(await proveEnd(state, KEY, { kind: 'kept', head: { id: 0, seal: '' } }), { intact: true });
    t.ok([COUNT + 1, 2].includes(await readable()), 'all of it, or what is left of it');
    if (lives > 100) break;
  }
  t.ok(lives > 3, `${lives}`);
  t.ok(Math.max(...taken) <= PORTION_ROWS, `${taken}`);
  t.same(rows(files.state, 'SELECT entries FROM audit_checkpoints'), [String(COUNT)], 'one checkpoint');
});

t.test('notices that came to their end, likewise', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  rows(
    files.state,
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${COUNT})
     INSERT INTO outbox (event, kind, part, subject, language, data, message_id, created_at, state)
     SELECT 'grant ' || i, 'grant', 'owner', 'a', 'fr', '{}', '<x>', iif(i = 1, '${NOW}', '2026-01-01T00:00:00.000Z'), iif(i = 2, 'waiting', 'sent') FROM n`,
  );
  const left: number[] = [];
  await pruneOutbox(state, NOW, async () => {
    left.push(Number(row(files.state, 'SELECT count(*) FROM outbox')));
    return giveBack();
  });
  t.same(left, [COUNT - PORTION_ROWS, COUNT - 2 * PORTION_ROWS, COUNT - 3 * PORTION_ROWS]);
  t.same(
    rows(files.state, 'SELECT event FROM outbox ORDER BY id'),
    ['grant 1', 'grant 2'],
    'what is young, and what is on its way',
  );
});
