/** What is kept of copies: in whichever order it is noted, and in a file of the release before. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { SUBMISSIONS } from '../../../bridge/store/databases.ts';
import { migrate } from '../../../bridge/store/files/open.ts';
import { existingSubmissions, type SubmissionStore } from '../../../bridge/store/submissions/submission-db.ts';
import { lookAfter } from '../../../bridge/submission/twin-look-times.ts';
import { freshStores } from '../fresh.ts';

const AT = '2026-11-23T08:00:00.000Z';
const LATER = '2026-11-23T09:00:00.000Z';
const MUCH_LATER = '2026-11-23T10:00:00.000Z';
const copy = (nonce: string) => ({ nonce, mailbox: 'alice@x.test', sentAt: AT });
const look = (exact: string) => ({
  for: {
    mailboxId: 1,
    messageId: '<a@x.test>',
    size: 9,
    print: { exact, signed: 's', content: 'c', received: true },
  },
  at: AT,
});

function fileIn(t: Test): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-submissions-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return path.join(directory, 'submission.db');
}

function closing(t: Test, store: SubmissionStore | undefined): SubmissionStore {
  if (store === undefined) throw new Error('no store');
  t.teardown(() => store.close());
  return store;
}

t.test('a file of the release before is migrated by whoever opens it first', async (t) => {
  const file = fileIn(t);
  t.equal(existingSubmissions(file), undefined, 'none is made to be read');
  migrate(file, { ...SUBMISSIONS, migrations: SUBMISSIONS.migrations.slice(0, 1) });
  const store = closing(t, existingSubmissions(file));
  await store.note([{ kind: 'copy-sent', copy: copy('a'), content: 'x' }]);
  t.equal(await store.submitted('a'), 'x');
});

t.test(
  'what was sent is known, whether Postfix or the filter was faster; a look is due until it was made',
  async (t) => {
    const store = await (await freshStores(t)).submissions();
    await store.note([
      { kind: 'copy-sent', copy: copy('a'), content: 'of a' },
      { kind: 'copy-stored', copy: copy('a'), at: AT, look: look('exact a') },
      { kind: 'copy-stored', copy: copy('b'), at: AT, look: look('exact b') },
      { kind: 'copy-sent', copy: copy('b'), content: 'of b' },
      { kind: 'copy-stored', copy: copy('c'), at: AT },
      {
        kind: 'copy-failed',
        copy: copy('d'),
        at: AT,
        failure: { code: 'retry', message: 'm', hint: '' },
        forGood: false,
      },
    ]);
    t.same(
      [await store.submitted('a'), await store.submitted('b'), await store.submitted('c')],
      ['of a', 'of b', null],
    );
    t.same([await store.isCopy('exact b'), await store.isCopy('exact z')], [true, false]);
    const due = async (now: string) => (await store.due(now, 9)).map(({ nonce, looks }) => `${nonce} ${looks}`);
    t.same(await due('2026-11-23T07:59:59.999Z'), []);
    t.match(await store.due(AT, 1), [{ ...copy('a'), ...look('exact a').for, submitted: 'of a', looks: 0 }]);
    await store.note([
      { kind: 'copy-looked', nonce: 'a', next: LATER },
      { kind: 'copy-looked', nonce: 'b', next: LATER, failed: true },
    ]);
    t.same(await due(AT), []);
    t.same(await due(LATER), ['a 1', 'b 0']);
    const both = await Promise.all([store.due(LATER, 1, MUCH_LATER), store.due(LATER, 1, MUCH_LATER)]);
    t.same(
      both
        .flat()
        .map(({ nonce }) => nonce)
        .sort(),
      ['a', 'b'],
      'of two who ask at once, each has its own',
    );
    t.same(await store.due(LATER, 9, MUCH_LATER), [], 'and nobody else has them');
    t.same(await due(MUCH_LATER), ['a 1', 'b 0'], 'before they are due again');
    await store.note([{ kind: 'copy-looked', nonce: 'b', next: LATER, failed: true }]);
    await store.note([{ kind: 'copy-looked', nonce: 'a', next: null }]);
    t.same(await due(LATER), ['b 0']);
    t.same(await store.missing(), [
      { ...copy('d'), state: 'waiting', attempts: 1, triedAt: AT, code: 'retry', message: 'm', hint: '' },
    ]);
  },
);

t.test('a store for several mail servers: each looks for those of its own mailboxes', async (t) => {
  const stores = await freshStores(t);
  const store = await stores.submissions();
  await stores.sql("INSERT INTO mailbox (address, server) VALUES ('alice@x.test', 'mx2')");
  await store.note([{ kind: 'copy-stored', copy: copy('a'), at: AT, look: look('exact a') }]);
  const lone = { ...copy('z'), mailbox: 'renamed@x.test' };
  await store.note([{ kind: 'copy-stored', copy: lone, at: AT, look: look('exact z') }]);
  const due = async (...servers: readonly string[]) =>
    (await store.due(AT, 9, undefined, servers)).map(({ nonce }) => nonce).sort();
  const shared = /\(schema /.test(store.file); // in files there is one
  t.same(await due('main'), shared ? ['z'] : ['a', 'z'], 'and what is nobody’s by its address');
  t.same(await due('main', 'mx2'), ['a', 'z']);
});

t.test('when it is looked again', async (t) => {
  let now = new Date(AT);
  const minutes: number[] = [];
  for (let looks = 0; ; looks++) {
    const next = lookAfter(looks, now);
    if (next === null) break;
    now = new Date(next);
    minutes.push((now.getTime() - Date.parse(AT)) / 60_000);
  }
  t.same(minutes, [1, 5, 15, 60]);
});
