/** A `mandat sync` at work holds the same lock as a sidecar, and is none: nobody may wait for it to serve them. */
import path from 'node:path';
import t from 'tap';
import { takeLock } from '../../bridge/store/files/lock.ts';
import { desk } from './desk.ts';

t.test('what other commands make of it', async (t) => {
  const { mandat, json, directory, sql } = await desk(t);
  sql("INSERT INTO mailbox (address) VALUES ('alice@lab.test'); INSERT INTO delegate (id) VALUES ('bob')");
  const lock = takeLock(path.join(directory, 'data/private/sidecar.lock'), 'sync');
  const busy = new RegExp(
    `"mandat sync" is at work on this database \\(process ${process.pid}\\).*\\n.*again when it is done`,
  );
  t.match(await mandat('sync'), { status: 5, stdout: '', stderr: busy }, 'another sync does not wait in vain');
  t.match(await mandat('run'), { status: 5, stderr: busy }, 'nor does a sidecar start beside it');
  t.match(
    await json('grant', 'alice@lab.test', 'bob', '--wait', '1'),
    { saved: true, sidecar: false, verifiedMs: null, failure: { code: 'retry', message: /at work/ } },
    'a grant is saved, and its pass waits for the other to end, not for ever',
  );
  t.match(await mandat('status'), { status: 1, stdout: /^sidecar +not running/ });
  lock.release();
});

t.test('a sidecar', async (t) => {
  const { mandat, directory } = await desk(t);
  const lock = takeLock(path.join(directory, 'data/private/sidecar.lock'));
  t.match(await mandat('run'), {
    status: 3,
    stderr: new RegExp(`sidecar is running.*\\(process ${process.pid}\\).*MANDAT_RUNNING`),
  });
  t.match(
    await mandat('status'),
    { stdout: new RegExp(`^sidecar +process ${process.pid} is starting`) },
    'it holds the lock, and has said nothing yet',
  );
  lock.release();
  t.match(await mandat('status'), { stdout: /^sidecar +not running/ });
});
