/** status without a server: what waits and since when, what fails, what is due. With a sidecar: follow.test.ts, hostile-server.test.ts. */
import Database from 'better-sqlite3';
import t from 'tap';
import { takeLock } from '../../bridge/store/files/lock.ts';
import { type Note, openSubmissions } from '../../bridge/store/submissions/submission-db.ts';
import { asMandat } from '../store/shell.ts';
import { type Desk, desk } from './desk.ts';

const OLD = '2026-01-01T08:00:00.000Z';

function state({ directory }: Desk, sql: string): void {
  const database = new Database(`${directory}/data/private/state.db`);
  database.exec(sql);
  database.close();
}

t.test('nothing yet', async (t) => {
  const { mandat, json, configFile, table } = await desk(t);
  const { status, stdout } = await mandat('status');
  t.equal(status, 1, 'where no sidecar runs, nothing is done about any row');
  t.match(
    stdout,
    /^sidecar +not running: .*"mandat run"\nconfiguration +\S+\nwaiting +0 mailboxes .*\nlag +-\nfailing +0 mailboxes\ndisk +[\d.]+ kB \(delegation\.db [\d.]+ kB, state\.db [\d.]+ kB\); [\d.]+ [kMGT]?B free there\nnext due +-\nlast sweep +-\n$/,
  );
  const { kept, ...document } = (await json('status')) as Record<string, unknown>;
  t.match(kept, {
    disk: {
      files: [{ file: table, readers: [] }, { file: /state\.db$/ }],
      trace: { count: 0, size: 0 },
      aside: { count: 0, size: 0 },
      total: Number,
      available: Number,
    },
    backup: null,
  });
  t.same(document, {
    sidecar: null,
    workers: null,
    loop: null,
    database: null,
    events: null,
    filter: null,
    portal: null,
    configFile: configFile,
    server: null,
    outdated: null,
    waiting: 0,
    queue: [],
    oldest: null,
    lagMs: null,
    lateCount: 0,
    lateAtLeast: false,
    late: [],
    failing: 0,
    failures: [],
    noticed: 0,
    notices: [],
    copies: [],
    slow: [],
    nextDue: null,
    lastSweep: null,
    sweep: null,
    folderLook: null,
    trailBroken: null,
    trace: null,
    withdrawn: null,
    restored: false,
    rulesChanged: [],
    foreignState: null,
    otherEntries: { mailboxes: 0, entries: 0 },
    subscriptionsKeptBy: null,
    outbox: { waiting: 0, failed: 0, lastError: null, noAddressCount: 0, noAddress: [] },
  });
});

t.test('the first of many, and how many there are', async (t) => {
  const made = await desk(t);
  const { json, sql, mandat } = made;
  sql(`INSERT INTO mailbox (address) VALUES ('a@lab.test'), ('b@lab.test'), ('c@lab.test')`);
  state(
    made,
    `INSERT INTO outcomes (mailbox_id, address, code, message, hint) VALUES (1, 'a@lab.test', 'absent', 'gone', ''), (2, 'b@lab.test', 'absent', 'gone', ''), (3, 'c@lab.test', 'absent', 'gone', '')`,
  );
  t.match(await json('status', '--limit', '1'), {
    waiting: 3,
    queue: { length: 1 },
    failing: 3,
    failures: [{ mailbox: 'a@lab.test' }],
  });
  const { stdout, status } = await mandat('status', '--limit', '2');
  t.equal(status, 1);
  t.match(stdout, /^failing +3 mailboxes$/m);
  t.match(stdout, /^b@lab\.test: .*absent[\s\S]*^and 1 mailbox more that fail: "mandat status --limit N"$/m);
  t.notMatch(stdout, /c@lab\.test: .*absent/);
  t.match(await mandat('status', '--limit', '0'), { status: 2, stderr: /whole number, from 1/ });
});

t.test('what waits, and since when: the oldest change that is not verified', async (t) => {
  const made = await desk(t);
  const { json, sql, mandat } = made;
  sql(`INSERT INTO mailbox (address) VALUES ('alice@lab.test'), ('carol@lab.test'), ('erin@lab.test'); INSERT INTO delegate (id) VALUES ('bob');
    ${asMandat('DELETE FROM events')};
    INSERT INTO events (at, actor, action, mailbox) VALUES ('${OLD}', 'sql', 'grant', 'alice@lab.test'), ('2026-02-01T08:00:00.000Z', 'sql', 'grant', 'carol@lab.test');
    DELETE FROM pending WHERE mailbox_id = 3`);
  t.match(await json('status'), {
    waiting: 2,
    queue: [
      { mailbox: 'alice@lab.test', since: OLD },
      { mailbox: 'carol@lab.test', since: '2026-02-01T08:00:00.000Z' },
    ],
  });
  const { stdout, status } = await mandat('status');
  t.equal(status, 1, 'whatever the reason: more than ten seconds is too long');
  t.match(stdout, /^2 mailboxes not brought in line within 10 s: alice@lab.test, carol@lab.test$/m);
  t.match(
    stdout,
    /^waiting +2 mailboxes to be brought in line\nlag +[\d.]+ s: the oldest waiting change was made at 2026-01-01T09:00:00\+01:00$/m,
  );

  state(
    made,
    "INSERT INTO outcomes (mailbox_id, address, verified_version, verified_at) VALUES (1, 'alice@lab.test', 1, '2026-01-15T08:00:00.000Z')",
  );
  const { queue, lagMs } = (await json('status')) as { queue: unknown; lagMs: number };
  t.match(
    queue,
    [{ mailbox: 'alice@lab.test', since: null }, { since: '2026-02-01T08:00:00.000Z' }],
    'an event from before the last verification says nothing',
  );
  t.ok(Math.abs(lagMs - (Date.now() - Date.parse('2026-02-01T08:00:00.000Z'))) < 600_000);

  // The sidecar has taken the events over, and its own entries are no changes.
  sql(asMandat('DELETE FROM events'));
  state(
    made,
    `INSERT INTO audit (at, actor, action, mailbox, seal) VALUES ('2026-01-20T08:00:00.000Z', 'mandat', 'failed', 'alice@lab.test', 'x'),
    ('2026-01-21T08:00:00.000Z', 'sql', 'delegate-set', NULL, 'x')`,
  );
  t.match(await json('status'), {
    queue: [{ since: '2026-01-21T08:00:00.000Z' }, { since: '2026-01-21T08:00:00.000Z' }],
  });

  sql("DELETE FROM mailbox WHERE address = 'erin@lab.test'");
  t.match(await json('status'), { waiting: 3, queue: [{}, {}, { mailbox: null }] }, 'one that is gone waits as well');
});

t.test('what fails, with code, hint and the next attempt; what is due; the last sweep', async (t) => {
  const made = await desk(t);
  const { json, sql, mandat } = made;
  sql(`INSERT INTO mailbox (address) VALUES ('alice@lab.test'), ('carol@lab.test'); INSERT INTO delegate (id) VALUES ('bob');
    INSERT INTO delegation (mailbox, delegate, starts_at) VALUES ('alice@lab.test', 'bob', '2999-06-01T10:00:00.000Z')`);
  state(
    made,
    `INSERT INTO facts (name, value) VALUES ('sweep', '${OLD}'), ('sweep-begun', '{"at":"${OLD}","under":"","looked":500}');
    INSERT INTO outcomes (mailbox_id, address, code, message, hint, failed_version, attempts, failed_at, retry_at)
      VALUES (1, 'alice@lab.test', 'config', 'the password is wrong', 'mend it', 1, 4, '${OLD}', '${OLD}');
    INSERT INTO outcomes (mailbox_id, address, notices) VALUES (2, 'carol@lab.test', '[{"code": "held", "login": "bob", "message": "held back"}]')`,
  );
  const { status, stdout } = await mandat('status');
  t.equal(status, 1);
  for (const line of [
    /^failing +1 mailbox$/m,
    /^next due +2999-06-01T12:00:00\+02:00$/m,
    /^last sweep +2026-01-01T09:00:00\+01:00$/m,
    /^this sweep +since 2026-01-01T09:00:00\+01:00, done with 500 mailboxes$/m,
    /^alice@lab\.test: config: the password is wrong\n {4}mend it\n {4}attempt 4; again when a sidecar runs$/m,
    /^carol@lab\.test: held back$/m,
  ])
    t.match(stdout, line);
  t.match(await json('status'), {
    failures: [{ mailbox: 'alice@lab.test', code: 'config', hint: 'mend it', attempts: 4, retryAt: OLD }],
    notices: [{ mailbox: 'carol@lab.test', code: 'held' }],
    nextDue: '2999-06-01T10:00:00.000Z',
    lastSweep: OLD,
    sweep: { begunAt: OLD, mailboxes: 500 },
  });
});

const outboxRow = (how: string) =>
  `INSERT INTO outbox (event, kind, part, subject, mailbox, language, data, message_id, created_at, state, error)
    VALUES ('grant 1', 'grant', 'delegate', 'bob', 'alice@lab.test', 'fr', '{}', '<1@lab.test>', '${OLD}', '${how}', 'user unknown')`;

t.test('notices: how many, what went wrong, and whom somebody has to tell', async (t) => {
  const made = await desk(t);
  const many = Array.from({ length: 11 }, (_, n) => outboxRow('no-address').replace("'bob'", `'bob${n}'`));
  state(made, [...many, outboxRow('failed'), outboxRow('waiting').replace("'bob'", "'carol'")].join(';'));
  const { status, stdout } = await made.mandat('status');
  t.equal(status, 1);
  t.match(stdout, /^notices +1 waiting, 1 failed, 11 without an address$/m);
  t.match(stdout, /^1 notice could not be sent: user unknown\n {4}"mandat notices list --state failed"/m);
  t.match(
    stdout,
    /^no address is known for bob0: tell them of the grant \(alice@lab\.test\) yourself, .*"mandat notices retry 1"$/m,
  );
  t.match(stdout, /^and 1 more: /m);
  t.match(await made.json('status'), { outbox: { waiting: 1, failed: 1, lastError: 'user unknown' } });
});

t.test('exits 1 for what waits for somebody, not for what goes by itself', async (t) => {
  const notice = (code: string) =>
    `INSERT OR REPLACE INTO outcomes (mailbox_id, address, notices) VALUES (1, 'alice@lab.test', '[{"code": "${code}", "login": "bob", "message": "x"}]')`;
  const cases: readonly (readonly [sql: string, status: number, why: string])[] = [
    [notice('no-session-cutting'), 0, 'a remark'],
    [notice('held'), 1, 'what the guard holds waits for "sync --force"'],
    [outboxRow('failed'), 1, 'a notice that could not be sent'],
    [outboxRow('waiting'), 0, 'one that waits'],
    [outboxRow('no-address'), 0, 'one that nobody can be sent'],
    [
      `${notice('blocked-by-foreign-entry')}; INSERT INTO facts (name, value) VALUES ('restored', 'held')`,
      1,
      'an older table',
    ],
  ];
  for (const [sql, status, why] of cases) {
    const made = await desk(t);
    state(made, sql);
    const lock = takeLock(`${made.directory}/data/private/sidecar.lock`); // where none runs it is 1 anyhow
    t.equal((await made.mandat('status')).status, status, why);
    lock.release();
  }
});

t.test(
  "copies that are not in an owner's Sent: how many, since when, why, and whether they are tried again",
  async (t) => {
    const { directory, mandat, json } = await desk(t);
    const store = openSubmissions(`${directory}/data/private/submission.db`);
    const copy = (nonce: string, mailbox: string, sentAt: string) => ({ nonce, mailbox, sentAt });
    const failure = { code: 'retry', message: 'the mailbox is full', hint: 'make room' } as const;
    const failed = (nonce: string, mailbox: string, sentAt: string, forGood: boolean): Note => {
      return { kind: 'copy-failed', copy: copy(nonce, mailbox, sentAt), at: OLD, failure, forGood };
    };
    await store.note([
      failed('1', 'alice@lab.test', '2026-01-01T08:00:00.000Z', false),
      failed('2', 'alice@lab.test', '2026-01-01T09:00:00.000Z', false),
      failed('3', 'carol@lab.test', '2026-01-01T09:00:00.000Z', true),
      { kind: 'copy-sent', copy: copy('4', 'erin@lab.test', '2026-01-01T10:00:00.000Z') },
      { kind: 'copy-sent', copy: copy('5', 'alice@lab.test', new Date().toISOString()) },
      { kind: 'copy-stored', copy: copy('6', 'alice@lab.test', '2026-01-01T08:00:00.000Z'), at: OLD },
    ]);
    store.close();
    t.match(await json('status'), {
      copies: [
        { mailbox: 'alice@lab.test', count: 2, since: '2026-01-01T08:00:00.000Z', ...failure, queued: true },
        { mailbox: 'carol@lab.test', count: 1, queued: false },
        { mailbox: 'erin@lab.test', count: 1, code: 'config', hint: /transport_maps/ },
      ],
    });
    const { status, stdout } = await mandat('status');
    t.equal(status, 1);
    t.match(
      stdout,
      /^alice@lab.test: 2 copies not in Sent, since 2026-01-01T09:00:00\+01:00: retry: the mailbox is full\n +make room\n +in Postfix's queue/m,
    );
    t.match(stdout, /^carol@lab.test: 1 copy not in Sent.*\n +make room\n +given up$/m);
  },
);
