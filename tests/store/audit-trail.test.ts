import t from 'tap';
import { type AuditFilter, readAudit } from '../../bridge/store/audit-trail.ts';
import { drainEvents } from '../../bridge/store/drain.ts';
import { freshFiles, openState, openTable } from './fresh.ts';
import { rows } from './shell.ts';

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
