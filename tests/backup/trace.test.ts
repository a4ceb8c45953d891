/** The trace of access in a backup: whole, provable, and no restore takes back what people have done since. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { existingSealKey } from '../../bridge/store/trail/sealing.ts';
import { traceDirectory } from '../../bridge/trace/trace-files.ts';
import { readTraceHead, traceHeadFile, writeTraceHead } from '../../bridge/trace/trace-head.ts';
import { proveTrace } from '../../bridge/trace/trace-proof.ts';
import { openTraceWriter, type TraceWriter } from '../../bridge/trace/trace-writing.ts';
import { desk, must } from '../cli/desk.ts';
import { madeAccess } from '../trace/made-access.ts';

async function place(t: Test) {
  const made = await desk(t);
  const files = dataFiles(path.join(made.directory, 'data'));
  const months = traceDirectory(files);
  let at = Date.parse('2026-05-10T08:00:00Z');
  let writer: TraceWriter | undefined;
  const close = () => {
    writer?.close();
    writer = undefined;
  };
  t.teardown(close);
  return {
    ...made,
    files,
    months,
    backup: path.join(made.directory, 'backup'),
    close,
    /** So many accesses in that month, and the head beside the key. */
    write: (month: string, count = 300) => {
      at = Date.parse(`${month}-10T08:00:00Z`);
      const key = existingSealKey(files.sealKey);
      writer ??= openTraceWriter(months, key, () => new Date(at));
      writer.keep(Array.from({ length: count }, (_, n) => madeAccess(n, at + n)));
      const head = writer.head();
      if (head !== undefined) writeTraceHead(traceHeadFile(files), key, head);
    },
    proof: async () => {
      const key = existingSealKey(files.sealKey);
      const { faults, accesses } = await proveTrace(months, key, readTraceHead(traceHeadFile(files), key));
      return { faults: faults.map(({ file, why }) => `${file} ${why}`), accesses };
    },
    names: () => readdirSync(months).filter((name) => name.endsWith('.db')),
  };
}

const spoil = (file: string, sql = 'UPDATE accesses SET at = at + 1') => {
  const database = new Database(file);
  database.exec(sql);
  database.close();
};

t.test('copied while it is written, and put back into an empty place', async (t) => {
  const here = await place(t);
  for (const month of ['2026-05', '2026-06', '2026-07']) here.write(month);
  const { stdout } = await must(here.mandat('backup', here.backup));
  t.match(stdout, /the trace of access was proven: 900 accesses/);
  t.same(readdirSync(path.join(here.backup, 'trace')).sort(), ['2026-05.db', '2026-06.db', '2026-07.db']);
  t.equal(statSync(path.join(here.backup, 'trace')).mode & 0o777, 0o700);
  for (const name of ['trace/2026-07.db', 'trace.head']) {
    t.equal(statSync(path.join(here.backup, name)).mode & 0o777, 0o600, name);
  }
  const manifest = JSON.parse(readFileSync(path.join(here.backup, 'manifest.json'), 'utf8'));
  t.match(manifest.trace, { head: { file: '2026-07.db', id: 900 }, proven: 900, why: null });
  here.close();
  rmSync(here.files.directory, { recursive: true });
  t.match((await must(here.mandat('restore', here.backup, '--yes'))).stdout, /trace of access is that of the backup/);
  t.same(await here.proof(), { faults: [], accesses: 900 });
  t.same(readdirSync(here.months).sort(), ['2026-05.db', '2026-06.db', '2026-07.db']);
  t.equal(statSync(here.months).mode & 0o777, 0o700);
  t.equal(statSync(path.join(here.months, '2026-05.db')).mode & 0o777, 0o600);
  t.notOk(existsSync(path.join(here.files.privateDirectory, 'trace.restore')));
  here.write('2026-08');
  t.same(await here.proof(), { faults: [], accesses: 1200 }, 'and it goes on');
});

t.test('what is in place', async (t) => {
  type Place = Awaited<ReturnType<typeof place>>;
  const rows: readonly (readonly [string, (here: Place) => unknown, RegExp, number])[] = [
    ['goes on from the backup: kept', (here) => here.write('2026-08'), /was kept as it is/, 900],
    ['was altered', (here) => spoil(path.join(here.months, '2026-05.db')), /is that of the backup/, 600],
    ['has lost a month', (here) => rmSync(path.join(here.months, '2026-06.db')), /is that of the backup/, 600],
    [
      'is gone',
      (here) => {
        rmSync(here.months, { recursive: true });
        rmSync(traceHeadFile(here.files));
      },
      /is that of the backup/,
      600,
    ],
    [
      'is another one',
      (here) => {
        rmSync(here.months, { recursive: true });
        here.write('2026-09', 10);
      },
      /is that of the backup/,
      600,
    ],
  ];
  for (const [what, change, said, accesses] of rows) {
    await t.test(what, async (t) => {
      const here = await place(t);
      for (const month of ['2026-05', '2026-06']) here.write(month);
      await must(here.mandat('backup', here.backup));
      here.close();
      await change(here);
      here.close();
      const before = existsSync(here.months) ? here.names() : [];
      const { stdout } = await must(here.mandat('restore', here.backup, '--yes'));
      t.match(stdout, said);
      t.same(await here.proof(), { faults: [], accesses });
      const aside = /what was there lies in (.*)/.exec(stdout)?.[1] ?? '';
      if (said.test('the trace of access is that of the backup')) {
        t.same(
          before.filter((name) => !existsSync(path.join(aside, name))),
          [],
          'what was there lies aside',
        );
      } else t.notOk(existsSync(path.join(aside, '2026-05.db')));
    });
  }
});

t.test('of another key, and the backup has none', async (t) => {
  const here = await place(t);
  await must(here.mandat('backup', here.backup));
  const key = path.join(here.directory, 'old.key');
  copyFileSync(here.files.sealKey, key);
  await must(here.mandat('init', '--new-seal-key'));
  here.write('2026-05');
  here.close();
  t.match((await must(here.mandat('restore', here.backup, '--yes'))).stdout, /could not be proven with this key/);
  t.same(here.names(), []);
  t.same(await here.proof(), { faults: [], accesses: 0 });
});

t.test('a broken one is copied, and said to be', async (t) => {
  const here = await place(t);
  here.write('2026-05');
  here.close();
  spoil(path.join(here.months, '2026-05.db'));
  t.match(await here.mandat('backup', here.backup), { status: 1, stderr: /trace of access is not proven: 2026-05.db/ });
  rmSync(here.files.directory, { recursive: true });
  t.match(await here.mandat('restore', here.backup, '--yes'), { status: 1, stderr: /trace of access is not proven/ });
  t.same(await here.proof(), { faults: ['2026-05.db access'], accesses: 0 });
});

t.test('a backup whose trace was altered is refused', async (t) => {
  for (const [what, alter, why] of [
    ['a row', (backup: string) => spoil(path.join(backup, 'trace/2026-05.db')), /checksum|octets/],
    ['a file gone', (backup: string) => rmSync(path.join(backup, 'trace/2026-05.db')), /is not there/],
    [
      'a link in its place',
      (backup: string, aside: string) => {
        mkdirSync(aside, { mode: 0o700 });
        for (const name of readdirSync(path.join(backup, 'trace')))
          copyFileSync(path.join(backup, 'trace', name), path.join(aside, name));
        rmSync(path.join(backup, 'trace'), { recursive: true });
        symlinkSync(aside, path.join(backup, 'trace'));
      },
      /is a link/,
    ],
  ] as const) {
    await t.test(what, async (t) => {
      const here = await place(t);
      here.write('2026-05');
      await must(here.mandat('backup', here.backup));
      here.write('2026-06');
      here.close();
      alter(here.backup, path.join(here.directory, 'elsewhere'));
      t.match(await here.mandat('restore', here.backup, '--yes'), { status: 2, stderr: why });
      t.same(await here.proof(), { faults: [], accesses: 600 }, 'nothing was changed');
    });
  }
});

t.test('left out, and forgotten with old backups', async (t) => {
  const here = await place(t);
  here.write('2026-05');
  await must(here.mandat('backup', '--without-trace', here.backup));
  t.notOk(existsSync(path.join(here.backup, 'trace')));
  t.notOk(existsSync(path.join(here.backup, 'trace.head')));
  here.close();
  t.match((await must(here.mandat('restore', here.backup, '--yes'))).stdout, /was kept as it is/);
  t.same(await here.proof(), { faults: [], accesses: 300 });
  const dated = path.join(here.directory, 'dated');
  for (let n = 0; n < 3; n++) await must(here.mandat('backup', '--keep', '2', dated));
  t.equal(readdirSync(dated).length, 2, 'the oldest is gone, with its trace');
});
