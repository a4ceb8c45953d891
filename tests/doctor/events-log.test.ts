/** The log of events as the doctor sees it, for a sidecar whose user is nobody special. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { eventsLog } from '../../bridge/doctor/events-log.ts';
import type { Subject } from '../../bridge/doctor/examined-site.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { systemUser } from '../../config/lab/system-ids.ts';

const top = mkdtempSync(path.join(os.tmpdir(), 'mandat-log-'));
chmodSync(top, 0o755);
t.teardown(() => rmSync(top, { recursive: true, force: true }));
const data = path.join(top, 'data');
const logs = path.join(top, 'logs');
const log = path.join(logs, 'dovecot-events.log');
const { uid, gid } = systemUser('mail');
mkdirSync(data, { mode: 0o755 });
chownSync(data, uid, gid);

const looked = async (events: object | 'none' = { listen: 'off', log }) => {
  const subject = {
    config: { events: events === 'none' ? undefined : events },
    files: dataFiles(data),
  } as unknown as Subject;
  const { status, seen, remedy } = await eventsLog.look(subject);
  return `${status}: ${seen}; ${remedy}`;
};
t.beforeEach(() => {
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { mode: 0o755 });
  writeFileSync(log, '');
  chownSync(log, 0, gid);
  chmodSync(log, 0o640);
});

t.test('nothing to look at', async (t) => {
  t.match(await looked('none'), 'skipped: [events] is not configured');
  t.match(await looked({ listen: '127.0.0.1:1' }), 'skipped: events come over HTTP');
});

t.test('as it should be', async (t) => {
  t.equal(await looked(), `ok: ${log}, mode 640, root:mail, nothing written yet; `);
  writeFileSync(log, 'x');
  t.match(await looked(), /^ok: .*, last written 20\d\d-\S+Z; $/);
});

t.test('not there', async (t) => {
  rmSync(log);
  t.match(
    await looked(),
    `fail: ${log} is not there: nothing is read from it; install -m 640 -g mail /dev/null ${log}`,
  );
  mkdirSync(log);
  t.match(await looked(), `fail: ${log} is not a file`);
});

t.test('there for others', async (t) => {
  chownSync(log, 0, 0);
  t.match(
    await looked(),
    `fail: ${log} can't be read by mail, whose data directory it is (mode 640, root:root); chgrp mail ${log}`,
  );
});

t.test('in a directory that is closed, or that cannot be listed', async (t) => {
  chmodSync(logs, 0o750);
  t.match(await looked(), `fail: mail can't pass through ${logs} to ${log}; let them through: chmod o+x ${logs}`);
  chmodSync(logs, 0o711);
  t.match(
    await looked(),
    `fail: mail can't list ${logs} (mode 711, root:root): what a rotation has made of ${log} would not be found`,
  );
});

t.test('open to the writing of others', async (t) => {
  for (const mode of [0o660, 0o646, 0o666]) {
    chmodSync(log, mode);
    t.match(await looked(), /^warn: .* may be written by others than its owner \(mode 6\d\d\): .*; chmod 640 /);
  }
});
