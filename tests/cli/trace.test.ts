/** mandat trace: what it shows to whom, in which formats, and that it was read is recorded; verify proves it, or names what is wrong. */
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { openStateDb } from '../../bridge/store/state/state-db.ts';
import { appendAudit, existingSealKey, ownEntry } from '../../bridge/store/trail/sealing.ts';
import type { Access } from '../../bridge/trace/access.ts';
import { traceDirectory } from '../../bridge/trace/trace-files.ts';
import { traceHeadFile, writeTraceHead } from '../../bridge/trace/trace-head.ts';
import { openTraceWriter } from '../../bridge/trace/trace-writing.ts';
import { madeAccess } from '../trace/made-access.ts';
import { type Desk, desk, must } from './desk.ts';

const START = Date.parse('2026-05-10T08:00:00.000Z');

function access(n: number, more: Partial<Access>): Access {
  return {
    ...madeAccess(n, START + n * 60_000),
    login: 'bob@lab.test',
    identifier: 'bob@lab.test',
    relation: 'delegate',
    delegation: 1,
    mailbox: 'alice@lab.test',
    owner: 'alice@lab.test',
    folder: 'INBOX',
    messages: null,
    target: null,
    answer: 'OK',
    said: null,
    ...more,
  };
}

const ACCESSES: readonly Access[] = [
  access(1, { action: 'open', verb: 'SELECT' }),
  access(2, { action: 'read', verb: 'UID FETCH', messages: { set: '7:9', by: 'uid', more: false } }),
  access(3, {
    action: 'move',
    verb: 'UID MOVE',
    messages: { set: '7', by: 'uid', more: false },
    target: { mailbox: 'same', folder: 'Trash', uidValidity: 5, set: '1' },
  }),
  access(4, {
    login: 'alice@lab.test',
    identifier: 'alice@lab.test',
    relation: 'owner',
    delegation: null,
    action: 'open',
  }),
  access(5, {
    action: 'folder-delete',
    verb: 'DELETE',
    folder: '=1+1',
    answer: 'NO',
    said: '[NOPERM] Permission denied',
  }),
  access(6, { mailbox: 'carol@lab.test', owner: 'carol@lab.test', action: 'open', delegation: 2 }),
];

async function traced(t: Test, accesses: readonly Access[] = ACCESSES) {
  const here = await desk(t);
  here.sql(`INSERT INTO mailbox (address, login) VALUES ('alice@lab.test', 'alice@lab.test'), ('carol@lab.test', 'carol@lab.test');
    INSERT INTO delegate (id, login) VALUES ('bob@lab.test', 'bob@lab.test');`);
  const files = dataFiles(path.join(here.directory, 'data'));
  const months = traceDirectory(files);
  const key = existingSealKey(files.sealKey);
  const writer = openTraceWriter(months, key, () => new Date(START));
  for (let at = 0; at < accesses.length; at += 1000) writer.keep(accesses.slice(at, at + 1000));
  const head = writer.head();
  if (head !== undefined) writeTraceHead(traceHeadFile(files), key, head);
  writer.close();
  const state = openStateDb(files.state, { writes: true });
  const line = { mailbox: null, delegate: null, detail: { file: '2026-05.db' } };
  await appendAudit(state, key, [ownEntry(new Date(START).toISOString(), { action: 'trace-month-begun', ...line })]);
  await state.close();
  return { ...here, files, months };
}

const lines = async (here: Desk, ...args: readonly string[]) =>
  (await must(here.mandat('trace', ...args))).stdout.split('\n').filter((line) => line !== '');
const recorded = (here: Desk) =>
  here
    .sql(
      "SELECT actor || ' ' || action || ' ' || COALESCE(mailbox, '') || ' ' || COALESCE(detail, '') FROM events WHERE action GLOB 'trace-*' OR action = 'refused' ORDER BY id",
    )
    .split('\n');

t.test('who did what is shown, in the time of the site, and that it was read is recorded', async (t) => {
  const here = await traced(t);
  const shown = await lines(here);
  t.equal(shown.length, 7);
  t.match(shown[0], /^TIME +WHO +AS +MAILBOX +FOLDER +DID +WHAT +ANSWER +FROM/);
  t.match(
    shown[1],
    /^2026-05-10T10:01:00\+02:00 +bob@lab\.test +delegate +alice@lab\.test +INBOX +open \(SELECT\) +- +OK +192\.0\.2\./,
  );
  t.match(shown[2], /read \(UID FETCH\) +UID 7:9 +OK/);
  t.match(shown[3], /move \(UID MOVE\) +UID 7 to Trash +OK/);
  t.match(shown[4], /alice@lab\.test +owner +alice@lab\.test/);
  t.match(shown[5], /folder-delete \(DELETE\) +- +NO \[NOPERM\] Permission denied/);
  t.match(recorded(here), [/^admin:\S+ trace-read {2}.*"entries":6/]);
});

t.test('it is asked for by mailbox, person, time, action and number', async (t) => {
  const here = await traced(t);
  const asked: readonly (readonly [readonly string[], number])[] = [
    [['--mailbox', 'Alice@lab.test'], 5],
    [['--mailbox', 'nobody@lab.test'], 0],
    [['--delegate', 'bob@lab.test'], 5],
    [['--delegate', 'alice@lab.test'], 1],
    [['--delegate', 'gone@lab.test'], 0],
    [['--action', 'open'], 3],
    [['--action', 'read', 'move'], 2],
    [['--action', 'refused'], 1],
    [['--mailbox', 'alice@lab.test', '--delegate', 'bob@lab.test', '--action', 'open'], 1],
    [['--since', '2026-05-10T08:03Z'], 4],
    [['--until', '2026-05-10T08:03Z'], 3],
    [['--since', '2026-05-10', '--until', '2026-05-10'], 6],
    [['--until', '2026-05-09'], 0],
    [['--limit', '2'], 2],
  ];
  for (const [args, count] of asked) {
    const found = (await here.json('trace', ...args)) as readonly unknown[];
    t.equal(found.length, count, args.join(' '));
  }
  t.match(
    await here.json('trace', '--limit', '1'),
    [{ id: 6, mailbox: 'carol@lab.test', at: '2026-05-10T08:06:00.000Z' }],
    'the last',
  );
  t.match(
    (await must(here.mandat('trace', '--until', '2026-05-09'))).stdout,
    /no accesses: \[trace\] enabled is false/,
  );
});

t.test('as lines of JSON, as a table, as AuditEvents of FHIR', async (t) => {
  const here = await traced(t);
  const records = (await lines(here, '--format', 'jsonl')).map((line) => JSON.parse(line));
  t.match(records, [
    { id: 1, at: '2026-05-10T08:01:00.000Z', action: 'open', seal: /^[0-9a-f]{32}$/ },
    { messages: { set: '7:9', by: 'uid' } },
    { target: { mailbox: 'same', folder: 'Trash', set: '1' } },
    { relation: 'owner', delegation: null },
    { answer: 'NO', said: '[NOPERM] Permission denied' },
    { mailbox: 'carol@lab.test' },
  ]);
  const [head = '', ...rows] = await lines(here, '--format', 'csv');
  t.equal(rows.length, 6);
  const folder = head.split(',').indexOf('folder');
  t.equal(rows[4]?.split(',')[folder], "'=1+1", 'nothing that a spreadsheet would reckon with');
  t.ok(rows.every((row) => row.split(',').length === head.split(',').length));
  const events = (await lines(here, '--format', 'fhir-auditevent', '--limit', '2')).map((line) => JSON.parse(line));
  t.match(events, [
    { resourceType: 'AuditEvent', action: 'D', outcome: '4' },
    { resourceType: 'AuditEvent', action: 'R' },
  ]);
  t.match(recorded(here), [
    /trace-export .*"format":"jsonl"/,
    /trace-export .*"csv"/,
    /trace-export .*"fhir-auditevent","limit":2/,
  ]);
});

t.test('an owner sees what was done in their own mailboxes, a delegate nothing', async (t) => {
  const here = await traced(t);
  const as = (who: string, ...args: readonly string[]) => here.mandat('--json', '--as', who, 'trace', ...args);
  const of = async (who: string, ...args: readonly string[]) =>
    (JSON.parse((await must(as(who, ...args))).stdout) as readonly { mailbox: string }[]).map(({ mailbox }) => mailbox);
  t.same(await of('owner:carol@lab.test'), ['carol@lab.test']);
  t.same(new Set(await of('owner:alice@lab.test')), new Set(['alice@lab.test']));
  t.same(await of('owner:carol@lab.test', '--mailbox', 'carol@lab.test'), ['carol@lab.test']);
  t.same(await of('owner:nobody@lab.test'), []);
  const refusals = [
    await as('owner:carol@lab.test', '--mailbox', 'alice@lab.test'),
    await as('delegate:bob@lab.test'),
    await as('delegate:bob@lab.test', '--mailbox', 'alice@lab.test'),
    await here.mandat('--json', '--as', 'owner:alice@lab.test', 'trace', 'verify'),
  ];
  for (const { status, stdout } of refusals) {
    t.equal(status, 3);
    t.match(JSON.parse(stdout), { error: { rule: 'MANDAT_ACTOR' } });
  }
  t.match(refusals[1]?.stdout, /it is for admins and owners/);
  t.match(recorded(here).filter((line) => / refused /.test(line)).length, 4, 'and that they tried is recorded');
  const exported = await must(here.mandat('--as', 'owner:carol@lab.test', 'trace', '--format', 'jsonl'));
  t.equal(exported.stdout.trim().split('\n').length, 1);
});

t.test('bad input is refused, and nothing is written', async (t) => {
  const here = await traced(t);
  const bad: readonly (readonly [readonly string[], RegExp, number])[] = [
    [['--mailbox', 'alice'], /refused as an address/, 3],
    [['--since', 'yesterday'], /--since yesterday: this is not a date/, 2],
    [['--until', '2026-02-30'], /no such day/, 2],
    [['--since', '2026-05-11', '--until', '2026-05-10'], /--since is later than --until/, 2],
    [['--action', 'steal'], /Allowed choices are login, open, read/, 2],
    [['--limit', '0'], /A whole number from 1 to 1000/, 2],
    [['--limit', '1001'], /A whole number from 1 to 1000/, 2],
    [['--limit', '1e3'], /A whole number/, 2],
    [['--format', 'xml'], /Allowed choices are text, jsonl, csv, fhir-auditevent/, 2],
    [['verify', 'x'], /too many arguments/, 2],
  ];
  for (const [args, says, status] of bad) {
    const done = await here.mandat('trace', ...args);
    t.equal(done.status, status, args.join(' '));
    t.match(done.stderr, says);
    t.equal(done.stdout, '');
  }
  const both = await here.mandat('--json', 'trace', '--format', 'csv');
  t.equal(both.status, 2);
  t.match(both.stderr, /exclude each other/);
  t.same(recorded(here), ['']);
});

t.test('a configuration that nothing could be traced with is refused', async (t) => {
  const here = await desk(t, { config: 'data_dir = "data"\n[trace]\nenabled = true\n', init: false });
  const { status, stderr } = await here.mandat('init');
  t.equal(status, 2);
  t.match(stderr, /trace.*needs \[events\]/);
});

t.test('verify proves it, and names what is wrong', async (t) => {
  const here = await traced(t);
  t.match(await must(here.mandat('trace', 'verify')), {
    stdout: /^the trace of access is intact: 6 accesses in 1 file\nits end is 2026-05\.db:6:[0-9a-f]{32}\n$/,
  });
  t.match(await here.json('trace', 'verify'), { intact: true, faults: [], accesses: 6, head: { id: 6 } });
  const month = new Database(path.join(here.months, '2026-05.db'));
  month.exec('UPDATE accesses SET at = at + 1 WHERE id = 3');
  month.close();
  const broken = await here.mandat('trace', 'verify');
  t.equal(broken.status, 1);
  t.match(broken.stdout, /the trace of access is broken\n {2}2026-05\.db: access 3/);
  for (const name of readdirSync(here.months)) rmSync(path.join(here.months, name));
  rmSync(traceHeadFile(here.files));
  const gone = await here.mandat('--json', 'trace', 'verify');
  t.equal(gone.status, 1, 'nobody takes all of it away: the audit trail knows what was begun');
  t.match(JSON.parse(gone.stdout), { intact: false, faults: [{ file: '2026-05.db', why: 'missing' }] });
  const none = await desk(t);
  t.match(await must(none.mandat('trace', 'verify')), { stdout: /there is no trace/ });
  t.match(await must(none.mandat('trace')), { stdout: /no accesses/ });
});

t.test('a great many are written as they are read', async (t) => {
  const many = Array.from({ length: 60_000 }, (_, n) => access(n, {}));
  const here = await traced(t, many);
  const { stdout } = await must(here.mandat('trace', '--format', 'jsonl'));
  const written = stdout.trimEnd().split('\n');
  t.equal(written.length, many.length);
  t.match(JSON.parse(written.at(-1) ?? ''), { id: many.length });
});
