/** All databases of one moment, while another process never stops writing to them; and nobody waits for the copying. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { copyDatabase } from '../../bridge/backup/copying.ts';
import { momentOf } from '../../bridge/backup/moment.ts';
import { DELEGATIONS, STATE } from '../../bridge/store/databases.ts';
import type { DataFiles } from '../../bridge/store/files/data-files.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { failure } from '../store/failures.ts';
import { freshFiles } from '../store/fresh.ts';
import { prepare, row } from '../store/shell.ts';

const LIMIT_MS = 60_000;
const sourcesOf = ({ delegations, state }: DataFiles) => [
  { file: delegations, kind: DELEGATIONS },
  { file: state, kind: STATE },
];

/** Counts in the table first, then in the state, again and again: at each moment the state is as far as the table, or one behind. */
const WRITER = `
const Database = require('better-sqlite3');
const [table, state] = process.argv.slice(1).map((file) => new Database(file, { timeout: 20000 }));
for (const one of [table, state]) one.pragma('synchronous = OFF');
const [first, then] = [table, state].map((one) => one.prepare('UPDATE counted SET n = n + 1'));
const turn = () => { for (let i = 0; i < 20; i++) { first.run(); then.run(); } setImmediate(turn); };
process.on('disconnect', () => process.exit());
turn();`;

async function writer(t: Test, files: DataFiles): Promise<void> {
  for (const file of [files.delegations, files.state]) {
    prepare(file, 'CREATE TABLE counted (n INTEGER NOT NULL); INSERT INTO counted VALUES (0)');
  }
  const child = spawn(process.execPath, ['-e', WRITER, files.delegations, files.state], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  t.teardown(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await waitFor('the writer', LIMIT_MS, () => counted(files.state) > 0);
}

const counted = (file: string) => Number(row(file, 'SELECT n FROM counted'));

t.test('the copies are of one moment, however often somebody commits', async (t) => {
  const files = freshFiles(t);
  await writer(t, files);
  for (let n = 0; n < 20; n++) {
    const moment = await momentOf(sourcesOf(files), () => {});
    const to = path.join(files.directory, `copy-${n}`);
    mkdirSync(to);
    const since = counted(files.state);
    await waitFor('commits while the copying has not begun', LIMIT_MS, () => counted(files.state) > since + 20);
    for (const [at, snapshot] of moment.snapshots.entries())
      await copyDatabase(snapshot, `${at}.db`, path.join(to, `${at}.db`));
    moment.close();
    const [table, state] = [0, 1].map((at) => counted(path.join(to, `${at}.db`)));
    t.ok(table === state || table === (state ?? 0) + 1, `table ${table}, state ${state}`);
    t.ok((state ?? 0) <= since, 'what came later is not in it');
  }
});

t.test('who has a write lock is waited for with no other lock in hand, and not for ever', async (t) => {
  const files = freshFiles(t);
  const held = new Database(files.state);
  t.teardown(() => held.close());
  held.exec('BEGIN IMMEDIATE');
  const waiting = momentOf(sourcesOf(files), () => t.fail('not while it is held'), 300);
  prepare(files.delegations, "INSERT INTO mailbox (address) VALUES ('alice@lab.test')"); // nobody keeps us from it
  t.match(await failure(() => waiting), { code: 'retry', message: /mandat's own state.*locked/ });
  held.exec('ROLLBACK');
  let asked = 0;
  const moment = await momentOf(sourcesOf(files), () => asked++);
  t.equal(asked, 1);
  prepare(files.state, "INSERT INTO facts VALUES ('clock', 'later')"); // nor when it is done
  t.equal(moment.snapshots[1]?.database.prepare("SELECT count(*) FROM facts WHERE name = 'clock'").pluck().get(), 0);
  moment.close();
});

t.test("a file that isn't ours", async (t) => {
  const files = freshFiles(t);
  prepare(files.state, 'PRAGMA application_id = 17');
  t.match(await failure(() => momentOf(sourcesOf(files), () => {})), {
    code: 'config',
    message: /not mandat's own state/,
  });
});
