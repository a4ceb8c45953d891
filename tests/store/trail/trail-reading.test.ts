import t from 'tap';
import { openSubmissions } from '../../../bridge/store/submissions/submission-db.ts';
import { drainEvents } from '../../../bridge/store/trail/take-over-events.ts';
import { drainSubmissions } from '../../../bridge/store/trail/take-over-submissions.ts';
import { type AuditFilter, readAudit } from '../../../bridge/store/trail/trail-reading.ts';
import { freshFiles, openState, openTable } from '../fresh.ts';
import { rows } from '../shell.ts';

const KEY = Buffer.alloc(32, 7);
const ALL: AuditFilter = { limit: 100 };

t.test('what is sealed and what is not yet, in order, filtered', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [openTable(t, files), openState(t, files)];
  const event = (minute: string, action: string, mailbox: string, delegate: string) =>
    rows(
      files.delegations,
      `INSERT INTO events (at, actor, action, mailbox, delegate) VALUES ('2026-11-23T08:${minute}:00.000Z', 'sql', '${action}', '${mailbox}', '${delegate}')`,
    );
  event('01', 'a', 'alice', 'bob');
  event('02', 'b', 'alice', 'carol');
  event('03', 'c', 'erin', 'bob');
  await drainEvents(table, state, KEY);
  event('04', 'd', 'alice', 'bob');
  event('05', 'e', 'erin', 'carol');

  const read = async (filter: Partial<AuditFilter>) =>
    (await readAudit(state, table, { ...ALL, ...filter })).map(({ action, sealed }) =>
      sealed ? action : `${action}?`,
    );
  /** filter, actions, those not sealed yet marked; why */
  const table_: readonly (readonly [Partial<AuditFilter>, readonly string[], string])[] = [
    [{}, ['a', 'b', 'c', 'd?', 'e?'], 'everything'],
    [{ mailbox: 'alice' }, ['a', 'b', 'd?'], 'of a mailbox'],
    [{ delegate: 'bob' }, ['a', 'c', 'd?'], 'of a delegate'],
    [{ mailbox: 'erin', delegate: 'carol' }, ['e?'], 'of both'],
    [{ since: '2026-11-23T08:02:00.000Z' }, ['b', 'c', 'd?', 'e?'], 'since an instant, itself included'],
    [{ limit: 3 }, ['c', 'd?', 'e?'], 'the last ones'],
    [{ limit: 1 }, ['e?'], 'the very last'],
    [{ mailbox: 'alice', limit: 2 }, ['b', 'd?'], 'the last ones of a mailbox'],
    [{ mailbox: 'nobody' }, [], 'nothing'],
  ];
  for (const [filter, expected, why] of table_) t.same(await read(filter), expected, why);
});

t.test('what is sealed, and not yet taken away where it waited, stands there once', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [openTable(t, files), openState(t, files)];
  const submissions = openSubmissions(files.submissions);
  t.teardown(() => submissions.close());
  const entry = { actor: 'x', reason: null, mailbox: null, delegate: null, detail: null, on_behalf: null, via: null };
  const send = (at: string) => submissions.note([{ kind: 'event', entry: { ...entry, at, action: 'send' } }]);
  const event = (at: string) =>
    rows(files.delegations, `INSERT INTO events (at, actor, action) VALUES ('${at}', 'sql', 'insert')`);
  const at = (second: number) => `2026-11-23T08:00:0${second}.000Z`;
  const read = async () => {
    const noted = { epoch: submissions.epoch, events: await submissions.lastEvents(ALL) };
    return (await readAudit(state, table, ALL, noted)).map(
      (one) => `${one.at.slice(17, 19)} ${one.action} ${one.sealed}`,
    );
  };
  event(at(1));
  await send(at(2));
  const not = async () => false; // what is sealed stays where it was
  await drainEvents(table, state, KEY, not);
  await drainSubmissions(submissions, state, KEY, at(3), not);
  t.same(await read(), ['01 insert true', '02 send true']);
  event(at(4));
  await send(at(5));
  t.same(await read(), ['01 insert true', '02 send true', '04 insert false', '05 send false']);
  await drainEvents(table, state, KEY);
  await drainSubmissions(submissions, state, KEY, at(6));
  t.same(await read(), ['01 insert true', '02 send true', '04 insert true', '05 send true']);
});
