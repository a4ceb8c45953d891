/** The trace's files: what is written is read and proven, whatever happens in between; what was tampered with is found. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { ACTIONS, type Access } from '../../bridge/trace/access.ts';
import { readTraceHead, writeTraceHead } from '../../bridge/trace/trace-head.ts';
import { proveTrace } from '../../bridge/trace/trace-proof.ts';
import { lastTraced, traced } from '../../bridge/trace/trace-reading.ts';
import { deleteOldMonths } from '../../bridge/trace/trace-retention.ts';
import { openTraceWriter } from '../../bridge/trace/trace-writing.ts';
import { KEY, madeAccess } from './made-access.ts';

function must<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('not there');
  return found;
}

const START = Date.parse('2026-05-10T08:00:00Z');

function place(t: Test) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-trace-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const head = path.join(directory, 'trace.head');
  const months = path.join(directory, 'trace');
  let now = START;
  const writer = openTraceWriter(months, KEY, () => new Date(now));
  t.teardown(() => writer.close());
  const keepHead = () => writeTraceHead(head, KEY, must(writer.head()));
  return {
    months,
    writer,
    setNow: (text: string) => {
      now = Date.parse(text);
    },
    now: () => new Date(now),
    keepHead,
    /** So many accesses, in batches, as of now. */
    write: (count: number, first = 0) => {
      for (let at = 0; at < count; at += 250) {
        writer.keep(
          Array.from({ length: Math.min(250, count - at) }, (_, n) => madeAccess(first + at + n, now + at + n)),
        );
      }
      keepHead();
    },
    prove: (began: readonly string[] = []) => proveTrace(months, KEY, readTraceHead(head, KEY), began),
    faults: async (began: readonly string[] = []) =>
      (await proveTrace(months, KEY, readTraceHead(head, KEY), began)).faults.map(({ file, why }) => `${file} ${why}`),
    open: (file: string) => new Database(path.join(months, file)),
  };
}

t.test('what is written is read, and proven', async (t) => {
  const here = place(t);
  const hostile = {
    ...madeAccess(1, START),
    folder: '\u202e=1+1\x1b[31m\n',
    action: 'other',
    answer: '',
    messages: { set: '1:*', by: 'number', more: true },
  } as const;
  const kinds: Access[] = ACTIONS.map((action, n) => ({ ...madeAccess(n, START + n), action }));
  kinds.push(hostile, {
    ...hostile,
    target: { mailbox: { address: 'x@y.z' }, folder: 'ü', uidValidity: 4_294_967_295, set: '1,5:9,4294967295' },
  });
  kinds.push({
    ...hostile,
    target: { mailbox: 'own', folder: null, uidValidity: null, set: null },
    identifier: null,
    folder: null,
  });
  here.writer.keep(kinds, { 'read log': '{"at":1}' });
  here.keepHead();
  const read = [...traced(here.months, {})].map(({ id: _, seal: __, ...access }) => access);
  t.same(read, kinds);
  t.match(await here.prove(), { faults: [], accesses: kinds.length, files: ['2026-05.db'] });
  t.equal(here.writer.mark('read log'), '{"at":1}');
  t.equal(statSync(path.join(here.months, '2026-05.db')).mode & 0o777, 0o600);
  t.equal(statSync(here.months).mode & 0o777, 0o700);
});

t.test('hundreds of thousands, in pages, and what one takes on disk', async (t) => {
  const here = place(t);
  const count = 150_000;
  here.write(count);
  here.writer.close();
  const octets = statSync(path.join(here.months, '2026-05.db')).size;
  t.ok(octets / count <= 150, `${(octets / count).toFixed(1)} octets each`);
  t.comment(`${(octets / count).toFixed(1)} octets an access`);
  let all = 0;
  let last = 0;
  for (const { id } of traced(here.months, {})) {
    all++;
    if (id <= last) t.fail('out of order');
    last = id;
  }
  t.equal(all, count);
  const since = START + 100_000;
  t.equal([...traced(here.months, { since, until: since + 1000 })].length, 1000);
  const of = [...traced(here.months, { mailbox: 'owner3@lab.test', actions: ['read'] })];
  t.ok(of.length > 0 && of.every(({ mailbox, action }) => mailbox === 'owner3@lab.test' && action === 'read'));
  t.same([...traced(here.months, { owners: ['nobody'] })], []);
  t.ok([...traced(here.months, { person: '899700000005' })].every(({ identifier }) => identifier === '899700000005'));
  t.ok([...traced(here.months, { actions: ['refused'] })].every(({ answer }) => answer === 'NO'));
  t.same(
    lastTraced(here.months, {}, 3).map(({ id }) => id),
    [count - 2, count - 1, count],
  );
});

t.test('from month to month, with a clock that was set back, and kept for so long', async (t) => {
  const here = place(t);
  for (const month of ['2026-05', '2026-06', '2026-08', '2026-09']) {
    here.setNow(`${month}-10T08:00:00Z`);
    here.write(300);
  }
  here.setNow('2026-08-31T23:59:59Z');
  here.write(5);
  t.notOk(readdirSync(here.months).includes('2026-08-2.db'), 'a little: the month goes on');
  here.setNow('2026-08-20T08:00:00Z');
  here.write(5);
  t.same(
    readdirSync(here.months).filter((name) => name.endsWith('.db')),
    ['2026-05.db', '2026-06.db', '2026-08.db', '2026-08-2.db', '2026-09.db'].sort(),
  );
  t.match(await here.prove(), { faults: [], accesses: 1210 });
  here.setNow('2026-12-10T08:00:00Z');
  const told: string[] = [];
  const prune = () =>
    deleteOldMonths(
      here.months,
      KEY,
      here.writer,
      6,
      here.now(),
      async ({ file, accesses }) => void told.push(`${file} ${accesses}`),
    );
  await prune();
  here.keepHead();
  t.same(told, ['2026-05.db 300']);
  t.match(await here.prove(), { faults: [], accesses: 910, deleted: 300 });
  t.same(await prune(), [], 'once');
  here.setNow('2027-11-10T08:00:00Z');
  await prune();
  here.keepHead();
  t.match(await here.prove(), { faults: [], accesses: 0, deleted: 1210 }, 'all of them, after a year without any');
  t.match(await here.faults(['2027-01.db']), ['2027-01.db missing']);
});

t.test('tampering of any kind is found and said', async (t) => {
  const change = (sql: string) => (here: ReturnType<typeof place>) => {
    const database = here.open('2026-06.db');
    database.exec(sql);
    database.close();
  };
  const file = (here: ReturnType<typeof place>, name: string) => path.join(here.months, name);
  const rows: readonly (readonly [string, (here: ReturnType<typeof place>) => unknown, RegExp])[] = [
    ['a time', change('UPDATE accesses SET at = at + 1 WHERE id = 310'), /06.db access/],
    [
      'whose',
      change('UPDATE accesses SET mailbox = (SELECT max(id) FROM names WHERE kind = 3) WHERE id = 310'),
      /06.db access/,
    ],
    ['a name', change("UPDATE names SET text = 'mallory' WHERE kind = 2"), /06.db access/],
    ['a name taken out', change('DELETE FROM names WHERE kind = 2'), /06.db access/],
    ['messages', change("UPDATE accesses SET messages = X'0002' WHERE id = 320"), /06.db access/],
    ['one taken out', change('DELETE FROM accesses WHERE id = 350'), /06.db access/],
    ['the first', change('DELETE FROM accesses WHERE id = 301'), /06.db access/],
    ['the last', change('DELETE FROM accesses WHERE id = 600'), /06.db end/],
    [
      'the end',
      change(
        'DELETE FROM accesses WHERE id > 590; UPDATE head SET id = 590, seal = (SELECT seal FROM accesses WHERE id = 590)',
      ),
      /06.db end/,
    ],
    ['all', change('DELETE FROM accesses'), /06.db end/],
    [
      'one put in before',
      change(
        'INSERT INTO accesses SELECT 5, at, person, session, relation, delegation, mailbox, folder, action, verb, answer, said, messages, uid_validity, target, target_validity, target_set, seal FROM accesses WHERE id = 301',
      ),
      /06.db access/,
    ],
    [
      'one put on the end',
      change(
        'INSERT INTO accesses SELECT 601, at, person, session, relation, delegation, mailbox, folder, action, verb, answer, said, messages, uid_validity, target, target_validity, target_set, seal FROM accesses WHERE id = 600',
      ),
      /06.db access/,
    ],
    [
      'the beginning',
      change("UPDATE chain SET after_file = NULL, after_id = 0, after_seal = X''"),
      /06.db (beginning|access)/,
    ],
    ['times', change('UPDATE spans SET newest = newest - 100'), /06.db times/],
    [
      'a forged deletion',
      change("INSERT INTO gone VALUES ('2026-05.db', 300, X'00', 300, 'x', X'00')"),
      /06.db deleted/,
    ],
    ['a file taken away', (here) => rmSync(file(here, '2026-05.db')), /05.db missing/],
    ['in the middle', (here) => rmSync(file(here, '2026-06.db')), /06.db missing/],
    ['the newest', (here) => rmSync(file(here, '2026-07.db')), /07.db head/],
    [
      'a file in place of another',
      (here) => copyFileSync(file(here, '2026-05.db'), file(here, '2026-06.db')),
      /06.db beginning/,
    ],
    [
      'two exchanged',
      (here) => {
        renameSync(file(here, '2026-05.db'), file(here, 'x'));
        renameSync(file(here, '2026-06.db'), file(here, '2026-05.db'));
        renameSync(file(here, 'x'), file(here, '2026-06.db'));
      },
      /05.db beginning/,
    ],
    ['no database', (here) => copyFileSync(new URL(import.meta.url), file(here, '2026-06.db')), /06.db unreadable/],
  ];
  for (const [what, tamper, wanted] of rows) {
    await t.test(what, async (t) => {
      const here = place(t);
      for (const month of ['2026-05', '2026-06', '2026-07']) {
        here.setNow(`${month}-10T08:00:00Z`);
        here.write(300);
      }
      here.writer.close();
      t.same(await here.faults(), []);
      tamper(here);
      t.match((await here.faults()).join('\n'), wanted);
    });
  }
});

t.test('an older copy of the newest file', async (t) => {
  const here = place(t);
  here.write(100);
  here.writer.close();
  copyFileSync(path.join(here.months, '2026-05.db'), path.join(here.months, 'older'));
  const again = openTraceWriter(here.months, KEY, here.now);
  again.keep([madeAccess(5, START)]);
  writeTraceHead(path.join(here.months, '../trace.head'), KEY, must(again.head()));
  again.close();
  t.same(await here.faults(), []);
  renameSync(path.join(here.months, 'older'), path.join(here.months, '2026-05.db'));
  t.match(await here.faults(), ['2026-05.db head']);
});

t.test('killed in the middle: what was acknowledged is there, once, with how far it was read', async (t) => {
  const here = place(t);
  here.writer.close();
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', path.join(import.meta.dirname, 'write-until-killed.ts'), here.months],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
    if (said.split('\n').length > 40) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const acknowledged = Number(said.trim().split('\n').at(-1));
  t.ok(acknowledged >= 30);
  const again = openTraceWriter(here.months, KEY, here.now);
  const read = Number(again.mark('read test'));
  t.ok(read >= acknowledged && read <= acknowledged + 1, `${read} of ${acknowledged}`);
  t.equal([...traced(here.months, {})].length, read * 100);
  again.keep([madeAccess(1, START)]);
  writeTraceHead(path.join(here.months, '../trace.head'), KEY, must(again.head()));
  again.close();
  t.same(await here.faults(), []);
});
