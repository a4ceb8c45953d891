/** What filters note of themselves: two of one name don't write over each other. */
import t from 'tap';
import { forgetFacts, setFact } from '../../bridge/store/state/facts.ts';
import { filterNotes } from '../../bridge/submission/filter-notes.ts';
import { filtersSeen, lastFilter, processNumbers, startOf } from '../../bridge/submission/last-filter.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { freshState } from '../store/fresh.ts';

const SEVERAL = { database: 'postgres://several.filters' };
const SINCE = '2026-11-30T08:00:00.000Z';
const here = {
  pid: process.pid,
  started: startOf(process.pid) ?? null,
  numbers: processNumbers(),
  since: SINCE,
  child: false,
};
const elsewhere = { ...here, numbers: 'another boot, of a machine of the same name' };

function log() {
  const said: string[] = [];
  const say = (_: unknown, message?: string) => void said.push(message ?? '');
  return { said, warn: say, error: say } as never as Parameters<typeof filterNotes>[4] & {
    readonly said: readonly string[];
  };
}

t.test('two of one name: the one that finds another there goes on under a name apart, and says so once', async (t) => {
  const state = await freshState(t);
  const now = () => new Date().toISOString();
  const [first, second] = [log(), log()];
  const one = filterNotes(state, 'mail2', here, now, first);
  const other = filterNotes(state, 'mail2', elsewhere, now, second);
  await one.note(null);
  await other.note(null);
  t.equal(other.name(), 'mail2', 'who begins can not know yet whether the one before is still there');
  await one.note(null);
  await other.note(null);
  await one.note(null);
  t.match(one.name(), /^mail2 \(.+, process \d+\)$/);
  t.equal(other.name(), 'mail2');
  t.strictSame([first.said.length, second.said.length], [1, 0]);
  t.match(first.said[0], /two submission filters of this server are called mail2/);
  const seen = await filtersSeen(state, SEVERAL);
  t.strictSame(
    seen.map(({ name, runs }) => [name, runs]),
    [
      ['mail2', true],
      [one.name(), true],
    ],
  );
  await one.ended();
  t.strictSame(
    (await filtersSeen(state, SEVERAL)).map(({ name }) => name),
    ['mail2'],
    'and takes nothing but its own away',
  );
});

t.test('started again under its name, whatever became of the one before: it keeps it', async (t) => {
  const state = await freshState(t);
  const said = log();
  await filterNotes(state, 'mail2', { ...here, pid: 1, started: '7' }, () => SINCE, said).note(null);
  const again = filterNotes(state, 'mail2', here, () => new Date().toISOString(), said);
  for (const _ of [1, 2, 3]) await again.note(null);
  t.equal(again.name(), 'mail2');
  t.strictSame(said.said, []);
});

t.test('what can not be noted is noted a moment later', async (t) => {
  const state = await freshState(t);
  const said = log();
  let fails = 1;
  const now = () => {
    if (fails-- > 0) throw new Error('locked');
    return new Date().toISOString();
  };
  const notes = filterNotes(state, 'mail2', here, now, said);
  await notes.note(null);
  t.match(said.said, [/could not be noted/]);
  t.equal(await lastFilter(state, 'mail2'), undefined);
  await waitFor('it is noted', 60_000, async () => (await lastFilter(state, 'mail2')) !== undefined);
  await notes.ended();
});

t.test('a process number counts where it was given alone', async (t) => {
  const state = await freshState(t);
  const old = new Date(Date.now() - 3_600_000).toISOString();
  await filterNotes(state, 'mail2', elsewhere, () => old, log()).note(null);
  await filterNotes(state, 'mail3', here, () => old, log()).note(null);
  const seen = await filtersSeen(state, SEVERAL);
  t.strictSame(
    seen.map(({ name, runs }) => [name, runs]),
    [
      ['mail2', false],
      ['mail3', true],
    ],
    'silent for an hour: only this one can be looked at',
  );
});

t.test('a server that is forgotten takes its filters along, and nobody else’s', async (t) => {
  const state = await freshState(t);
  for (const server of ['mx1', 'mx10', 'mx2']) {
    for (const name of ['sweep', 'filter/a', 'filter/b', 'filter-messages/a'] as const)
      await setFact({ ...state, server }, name, '{}');
  }
  await forgetFacts({ ...state, server: 'mx1' });
  const left = await state.query
    .selectFrom('facts')
    .select('name')
    .where('name', 'like', '%@%')
    .orderBy('name')
    .execute();
  t.strictSame(
    left.map(({ name }) => name),
    ['mx10', 'mx2']
      .flatMap((of) => [`filter-messages@${of}/a`, `filter@${of}/a`, `filter@${of}/b`, `sweep@${of}`])
      .sort(),
  );
  t.equal(await lastFilter({ ...state, server: 'mx1' }, 'a'), undefined);
});
