/** Following a log: what comes is heard of at once, trouble is told once and over when it's over, what can't be kept is tried again. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { followLog } from '../../bridge/events/log/follow-log.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { logWriter, numberOf } from './log-writer.ts';

const LIMIT_MS = 60_000;

t.test('as it comes, and through a rotation', async (t) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-follow-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const log = path.join(directory, 'x.log');
  const writer = logWriter(log, 'file');
  const kept: number[] = [];
  const said: (string | undefined)[] = [];
  let refuse = false;
  const following = followLog({
    log,
    position: () => undefined,
    keep: (events) => {
      if (refuse) throw new Error('disk full');
      kept.push(...events.map(numberOf));
    },
    hear: () => {},
    say: (trouble) => said.push(trouble),
  });
  t.teardown(following.close);
  const come = (what: string) => waitFor(what, LIMIT_MS, () => kept.length === writer.written);
  await waitFor('it is told that there is none', LIMIT_MS, () => said.length === 1);
  t.match(said[0], /not there/);
  writeFileSync(log, '');
  await waitFor('and that there is one', LIMIT_MS, () => said.length === 2);
  t.equal(said[1], undefined);
  writer.events(3);
  await come('three');
  writer.rename();
  writer.events(2);
  await come('two in the new one');
  refuse = true;
  writer.events(1);
  await waitFor('it is told that nothing can be kept', LIMIT_MS, () => said.length === 3);
  t.match(said[2], /disk full/);
  refuse = false;
  await come('it is tried again');
  renameSync(log, `${log}.1`);
  writeFileSync(log, '');
  writer.events(1);
  await come('goes on');
  t.same(kept, [1, 2, 3, 4, 5, 6, 7]);
  t.match(following.counts, { events: 7, lost: 0, malformed: 0, behind: 0 });
});
