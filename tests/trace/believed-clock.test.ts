/** A clock that has jumped ahead deletes nothing of the trace before its time. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { believed, type ClockMark, lookAtClock, lookedAt } from '../../bridge/trace/believed-clock.ts';
import { monthFiles } from '../../bridge/trace/trace-files.ts';
import { deleteOldMonths } from '../../bridge/trace/trace-retention.ts';
import { openTraceWriter } from '../../bridge/trace/trace-writing.ts';
import { KEY, madeAccess } from './made-access.ts';

const DAY = 86_400_000;
const START = Date.parse('2026-05-10T08:00:00Z');

/** Looks every day but for the first, which is `jump` days behind the start; by which day months are deleted after so many looks. */
const dayAfter = (jump: number, looks: number) => {
  let mark: ClockMark = { seen: START };
  for (let day = 0; day < looks; day++) mark = lookedAt(mark, START + (jump + day) * DAY);
  return (believed(mark).now.getTime() - START) / DAY;
};

t.test('by which day months are deleted', async (t) => {
  for (const [jump, looks, day, why] of [
    [1, 1, 1, 'an ordinary day'],
    [2, 1, 2, 'two days off'],
    [5, 1, 0, 'five days ahead: the time before counts'],
    [5, 7, 0, 'for a week'],
    [5, 8, 12, 'then the clock was right'],
    [20, 20, 0, 'three weeks off: for as long'],
    [20, 21, 40, 'then it counts'],
    [3650, 31, 0, 'ten years ahead: for a month'],
    [3650, 32, 3681, 'then it counts'],
  ] as const) {
    t.equal(dayAfter(jump, looks), day, why);
  }
});

t.test('a clock that is put right, and one that jumps again', async (t) => {
  const far = lookedAt({ seen: START }, START + 3650 * DAY);
  t.match(believed(far), { now: new Date(START), held: { from: new Date(START), to: new Date(START + 3650 * DAY) } });
  const right = lookedAt(far, START + DAY);
  t.match(believed(right), { now: new Date(START + DAY), held: undefined }, 'put right: it counts at once');
  const twice = lookedAt(lookedAt(far, START + 3651 * DAY), START + 3660 * DAY);
  t.match(believed(twice).held, { from: new Date(START), to: new Date(START + 3660 * DAY) }, 'the wait begins anew');
  const slewed = lookedAt(far, START + 3650 * DAY - 60_000);
  t.ok(believed(slewed).held, 'a minute back is no putting right');
});

t.test('months are kept, also over a restart, until the clock is believed', async (t) => {
  const months = mkdtempSync(path.join(os.tmpdir(), 'mandat-trace-'));
  t.teardown(() => rmSync(months, { recursive: true, force: true }));
  let now = START;
  let writer = openTraceWriter(months, KEY, () => new Date(now));
  t.teardown(() => writer.close());
  t.match(lookAtClock(writer, new Date(now)), { now: new Date(now), held: undefined }, 'nothing is there yet');
  t.same(monthFiles(months), [], 'and nothing was made');
  writer.keep([madeAccess(1, now)]);
  const look = async () => {
    const { now: by } = lookAtClock(writer, new Date(now));
    const deleted = await deleteOldMonths(months, KEY, writer, 6, by, async () => {});
    return deleted.map(({ file }) => file);
  };
  const restart = () => {
    writer.close();
    writer = openTraceWriter(months, KEY, () => new Date(now));
  };
  now += 3650 * DAY;
  restart();
  t.same(await look(), [], 'ten years ahead, seen by the first look ever: the file says when it was written to');
  for (let day = 0; day < 5; day++) {
    now += DAY;
    restart();
    writer.keep([madeAccess(3, now)]);
    t.same(await look(), []);
  }
  now = START + 20 * DAY;
  restart();
  writer.keep([madeAccess(4, now)]);
  t.same(await look(), [], 'put right');
  let early = 0;
  for (; now < START + 200 * DAY; now += 2 * DAY) early += (await look()).length;
  t.equal(early, 0);
  const gone: string[] = [];
  for (; now < START + 240 * DAY; now += 2 * DAY) {
    writer.keep([madeAccess(5, now)]);
    gone.push(...(await look()));
  }
  t.ok(gone.includes('2026-05.db'), `in its time: ${gone}`);
});
