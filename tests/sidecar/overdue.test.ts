import { pino } from 'pino';
import t from 'tap';
import { LATE_MS, openOverdue, overdueNoted } from '../../bridge/sidecar/overdue.ts';
import { settle } from '../../bridge/store/table/rows.ts';
import { freshFiles, openState, openTable } from '../store/fresh.ts';
import { rows } from '../store/shell.ts';
import { WORLD } from '../store/world.ts';

t.test('a mailbox that stays pending is late, said once, until it has been worked off', async (t) => {
  const files = freshFiles(t);
  rows(
    files.delegations,
    `${WORLD} DELETE FROM pending; INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')`,
  );
  const [table, state] = [openTable(t, files), openState(t, files)];
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  const overdue = openOverdue(table, state, log, () => '2026-11-26T08:00:00.000Z');
  await overdue.look(1000);
  await overdue.look(1000 + LATE_MS);
  t.same(lines, []);
  t.same(await overdueNoted(state), []);
  await overdue.look(1001 + LATE_MS);
  await overdue.look(5000 + LATE_MS);
  t.equal(lines.length, 1, 'once');
  t.match(JSON.parse(lines[0] ?? ''), { level: 50, mailboxIds: [1], msg: /not been worked off within 10 s/ });
  t.match(await overdueNoted(state), [{ mailboxId: 1, since: '2026-11-26T08:00:00.000Z' }]);

  await settle(table, 1, 1_000_000);
  await overdue.look(6000 + LATE_MS);
  t.same(await overdueNoted(state), []);
  rows(files.delegations, "DELETE FROM delegation WHERE delegate = 'bob'");
  await overdue.look(7000 + LATE_MS);
  t.same(await overdueNoted(state), [], 'the next change has its own ten seconds');
});
