/** The trace's files as an administrator meets them at a desk without servers: a new key, the room they take, their modes, and what removal says. */
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { existingSealKey } from '../../bridge/store/trail/sealing.ts';
import { traceDirectory } from '../../bridge/trace/trace-files.ts';
import { readTraceHead, traceHeadFile, writeTraceHead } from '../../bridge/trace/trace-head.ts';
import { proveTrace } from '../../bridge/trace/trace-proof.ts';
import { traced } from '../../bridge/trace/trace-reading.ts';
import { deleteOldMonths } from '../../bridge/trace/trace-retention.ts';
import { openTraceWriter } from '../../bridge/trace/trace-writing.ts';
import { byHand, byHandLines } from '../../cli/uninstall-by-hand.ts';
import { loadConfig } from '../../config/load.ts';
import { desk, must } from '../cli/desk.ts';
import { madeAccess } from './made-access.ts';

const made = await desk(t);
const files = dataFiles(path.join(made.directory, 'data'));
const months = traceDirectory(files);
let at = 0;
const key = () => existingSealKey(files.sealKey);
const writing = async (work: (writer: ReturnType<typeof openTraceWriter>) => unknown) => {
  const writer = openTraceWriter(months, key(), () => new Date(at));
  await work(writer);
  const head = writer.head();
  if (head !== undefined) writeTraceHead(traceHeadFile(files), key(), head);
  writer.close();
};
for (const month of ['2026-05', '2026-06', '2026-07', '2026-12']) {
  at = Date.parse(`${month}-10T08:00:00Z`);
  await writing((writer) => writer.keep(Array.from({ length: 700 }, (_, n) => madeAccess(n, at + n))));
}
await writing((writer) => deleteOldMonths(months, key(), writer, 6, new Date(at), async () => {}));
const faults = async () => {
  const proof = await proveTrace(months, key(), readTraceHead(traceHeadFile(files), key()));
  return proof.faults.map(({ file, why }) => `${file} ${why}`);
};
const said = () => [...traced(months, {})].map(({ seal: _, ...rest }) => rest);

t.test('the room it takes, and its modes', async (t) => {
  t.match((await made.mandat('status')).stdout, /disk .*trace of access \d/);
  t.match(await made.json('status'), { kept: { disk: { trace: { count: 3, size: Number } } } });
  const check = async () =>
    (await made.mandat('doctor')).stdout.split('\n').find((line) => line.includes('data files')) ?? '';
  t.match(await check(), /as init made them/);
  chmodSync(path.join(months, '2026-06.db'), 0o644);
  chmodSync(months, 0o755);
  const told = await check();
  t.match(told, /2026-06.db has mode 644/);
  t.match(told, /trace has mode 755/);
  chmodSync(path.join(months, '2026-06.db'), 0o600);
  chmodSync(months, 0o700);
});

t.test('uninstall names it, and deletes nothing', async (t) => {
  const config = loadConfig({ path: made.configFile, env: {}, cwd: made.directory });
  const nowhere = { dovecotConfig: '/nonexistent/dovecot.conf', postfixConfig: '/nonexistent' };
  const hand = await byHand(config, files, nowhere);
  t.same(hand.trace, { directory: months, months: ['2026-06', '2026-07', '2026-12'] });
  const lines = byHandLines(hand, { colour: { bad: (text: string) => text } } as never).join('\n');
  t.match(lines, /trace of access, .*3 months \(2026-06 to 2026-12\)\. It is kept/);
  t.equal(readdirSync(months).length, 3);
});

t.test('a new key: what stands there is sealed anew, and goes on', async (t) => {
  t.same(await faults(), []);
  const before = said();
  const aside = mkdtempSync(path.join(os.tmpdir(), 'mandat-key-'));
  t.teardown(() => rmSync(aside, { recursive: true, force: true }));
  copyFileSync(files.sealKey, path.join(aside, 'old.key'));
  rmSync(files.sealKey);
  const { stdout } = await must(made.mandat('init', '--new-seal-key'));
  t.match(stdout, /the trace of access: 2100 accesses sealed anew, as they stand/);
  t.same(await faults(), [], 'the chain holds, with what was deleted for its age');
  t.same(said(), before, 'and nothing else was changed');
  const old = existingSealKey(path.join(aside, 'old.key'));
  t.not((await proveTrace(months, old, readTraceHead(traceHeadFile(files), old))).faults.length, 0);
  await made.mandat('sync');
  t.match((await made.mandat('audit')).stdout, /seal-key-new .*trace=2100/, 'the trail says so');
  await writing((writer) => writer.keep([madeAccess(1, at)]));
  t.same(await faults(), [], 'it goes on');
});

t.test('a month that can not be read is left, and told', async (t) => {
  writeFileSync(path.join(months, '2026-07.db'), 'no database');
  const { stdout } = await must(made.mandat('init', '--new-seal-key'));
  t.match(stdout, /2026-07.db can't be read, and is left as it is/);
  t.match(stdout, /1401 accesses sealed anew/);
  t.same(
    (await faults()).filter((one) => !one.startsWith('2026-07')),
    [],
  );
});
