/** What is noted of submissions: the entry, the writing of it, and the way into the sealed trail. */
import { pino } from 'pino';
import t from 'tap';
import { existingSubmissions, type Note, openSubmissions } from '../../bridge/store/submissions/submission-db.ts';
import { sealKey } from '../../bridge/store/trail/sealing.ts';
import { drainSubmissions } from '../../bridge/store/trail/take-over-submissions.ts';
import { proveAudit } from '../../bridge/store/trail/trail-proof.ts';
import { openRecord } from '../../bridge/submission/record.ts';
import { cleaned, type Submission, submissionEntry } from '../../bridge/submission/submission-entry.ts';
import { freshFiles, openState } from '../store/fresh.ts';
import { until } from '../store/until.ts';

const SENT: Submission = {
  at: '2026-11-25T03:00:00.000Z',
  login: 'bob@lab.test',
  delegate: '899000000015',
  mailbox: 'alice@lab.test',
  owner: '899000000023',
  verdict: 'on-behalf',
  sent: true,
  messageId: '<a@lab.test>',
  bytes: 1234,
  recipients: 3,
  domains: ['patient.mssante.fr', 'far.test', 'FAR.test'],
};
const quiet = pino({ level: 'silent' });
const event = (change: Partial<Submission> = {}): Note => ({
  kind: 'event',
  entry: submissionEntry({ ...SENT, ...change }),
});
const COPY = { nonce: '0123456789abcdef', mailbox: 'alice@lab.test', sentAt: SENT.at };
const FAILURE = { code: 'retry', message: 'the mailbox is full', hint: 'make room' } as const;

t.test('an entry holds who, for whom, what size, how many recipients in which domains', (t) => {
  const entry = submissionEntry(SENT);
  t.same(
    { ...entry, detail: JSON.parse(entry.detail ?? '') },
    {
      at: SENT.at,
      actor: 'delegate:899000000015',
      reason: null,
      action: 'send',
      mailbox: 'alice@lab.test',
      delegate: '899000000015',
      on_behalf: 'owner:899000000023',
      via: null,
      detail: {
        verdict: 'on-behalf',
        login: 'bob@lab.test',
        message_id: '<a@lab.test>',
        bytes: 1234,
        recipients: 3,
        domains: ['far.test', 'patient.mssante.fr'],
      },
    },
  );
  const refused = submissionEntry({
    ...SENT,
    delegate: null,
    mailbox: null,
    owner: null,
    sent: false,
    why: 'x'.repeat(1000),
  });
  t.match(refused, { actor: 'login:bob@lab.test', action: 'send-refused', mailbox: null });
  t.ok((refused.detail ?? '').length < 600, 'bounded');
  t.end();
});

t.test('domains', (t) => {
  const rows: readonly (readonly [readonly string[], readonly string[], string])[] = [
    [[], [], 'none'],
    [['b.test', 'B.test', 'a.test'], ['a.test', 'b.test'], 'each once, sorted, in lower case'],
    [['h\u00f4pital.test'], ['xn--hpital-ixa.test'], 'international ones as punycode'],
    [['postmaster', '255069999999934', 'x y.test', 'a"b.test', '', '[192.0.2.1]'], ['?'], 'what is no domain name'],
  ];
  for (const [written, domains, why] of rows) t.same(cleaned(written), domains, why);
  t.equal(cleaned(Array.from({ length: 1000 }, (_, n) => `d${n}.test`)).length, 21, 'bounded');
  t.end();
});

t.test('committed when note resolves, many in one transaction', async (t) => {
  const store = openSubmissions(freshFiles(t).submissions);
  t.teardown(() => store.close());
  let transactions = 0;
  const record = openRecord(
    {
      note: async (notes) => {
        transactions++;
        await store.note(notes);
      },
    },
    quiet,
  );
  await Promise.all(Array.from({ length: 100 }, () => record.note(event())));
  t.equal((await store.events()).length, 100);
  t.equal(transactions, 1);
});

t.test('what cannot be written holds nobody up, and is written when it can be, in order', async (t) => {
  const store = openSubmissions(freshFiles(t).submissions);
  t.teardown(() => store.close());
  let full = true;
  const record = openRecord(
    {
      note: async (notes) => {
        if (full) throw new Error('the disk is full');
        await store.note(notes);
      },
    },
    quiet,
  );
  await record.note(event({ verdict: 'first' }));
  t.equal((await store.events()).length, 0);
  full = false;
  await record.note(event({ verdict: 'second' }));
  t.same(
    (await store.events()).map(({ detail }) => JSON.parse(detail ?? '').verdict),
    ['first', 'second'],
  );
  full = true;
  await record.note(event({ verdict: 'third' }));
  full = false;
  await until(async () => (await store.events()).length === 3, 'the third is written by itself');
});

t.test('what became of a copy', async (t) => {
  const store = openSubmissions(freshFiles(t).submissions);
  t.teardown(() => store.close());
  const failed = (nonce: string, forGood: boolean): Note => ({
    kind: 'copy-failed',
    copy: { ...COPY, nonce },
    at: '2026-11-25T03:01:00.000Z',
    failure: FAILURE,
    forGood,
  });
  await store.note([
    failed('aaaaaaaaaaaaaaaa', false),
    { kind: 'copy-sent', copy: { ...COPY, nonce: 'aaaaaaaaaaaaaaaa' } },
  ]);
  t.match(
    await store.missing(),
    [{ state: 'waiting', attempts: 1, ...FAILURE }],
    'Postfix was faster than the note of it',
  );
  await store.note([
    { kind: 'copy-sent', copy: { ...COPY, nonce: 'bbbbbbbbbbbbbbbb' } },
    failed('cccccccccccccccc', true),
  ]);
  t.same(
    (await store.missing()).map(({ nonce, state, attempts }) => [nonce.slice(0, 1), state, attempts]),
    [
      ['a', 'waiting', 1],
      ['b', 'waiting', 0],
      ['c', 'failed', 1],
    ],
  );
  await store.note([{ kind: 'copy-stored', copy: { ...COPY, nonce: 'aaaaaaaaaaaaaaaa' }, at: SENT.at }]);
  t.ok(await store.isStored('aaaaaaaaaaaaaaaa'));
  await store.note([failed('aaaaaaaaaaaaaaaa', false)]);
  t.ok(await store.isStored('aaaaaaaaaaaaaaaa'), 'stored once is stored');
  t.notOk(await store.isStored('bbbbbbbbbbbbbbbb'));
});

t.test('the sidecar seals the events once, and forgets old copies', async (t) => {
  const files = freshFiles(t);
  t.equal(existingSubmissions(files.submissions), undefined, 'a site without the filter has no such file');
  const state = openState(t, files);
  const key = sealKey(files.sealKey);
  const store = openSubmissions(files.submissions);
  t.teardown(() => store.close());
  await store.note([event(), event(), { kind: 'copy-sent', copy: COPY }]);
  t.equal(await drainSubmissions(store, state, key, '2026-11-26T00:00:00.000Z'), 2);
  t.equal(await drainSubmissions(store, state, key, '2026-11-26T00:00:00.000Z'), 0);
  t.equal((await store.events()).length, 0);
  t.equal((await store.missing()).length, 1, 'the copy is young');

  await store.note([event()]);
  const crashed = { ...store, forget: async () => void t.pass('killed before they were deleted') };
  t.equal(await drainSubmissions(crashed, state, key, '2026-11-26T00:00:00.000Z'), 1);
  t.equal(await drainSubmissions(store, state, key, '2026-12-26T00:00:00.000Z'), 0, 'none twice');
  t.equal((await store.missing()).length, 0, 'the copy is old');

  const other = openSubmissions(freshFiles(t).submissions);
  t.teardown(() => other.close());
  await other.note([event()]);
  t.equal(
    await drainSubmissions(other, state, key, '2026-11-26T00:00:00.000Z'),
    1,
    'another file counts from its own beginning',
  );
  t.match(await proveAudit(state, key), { intact: true });
});
