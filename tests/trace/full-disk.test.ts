/** A full disk, and one that is read-only, below the trace's files: told, nothing else suffers, and it goes on when there is room. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { existingSealKey } from '../../bridge/store/trail/sealing.ts';
import { traceDirectory } from '../../bridge/trace/trace-files.ts';
import { proveTrace } from '../../bridge/trace/trace-proof.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { delegateName, madeEvent, ownerName, PEOPLE } from '../bench/trace/made-event.ts';
import { openPosting, requestOf } from '../bench/trace/posting.ts';
import { desk, must } from '../cli/desk.ts';
import { lasting } from '../cli/lasting.ts';

const LIMIT_MS = 90_000;
const isRoot = process.geteuid?.() === 0;
const PASSWORD = 'of-the-events';

t.test('the trace on a disk of its own', { skip: isRoot ? false : 'only root can mount one' }, async (t) => {
  const reservation = await reservePorts(1);
  const [port = 0] = reservation.ports;
  t.teardown(() => reservation.release());
  const config = `data_dir = "data"
[identity]
scheme = "login"
unknown_credential = "valid"
[grant]
acknowledge = false
[imap]
port = 1
tls = "none"
timeout_seconds = 1
[events]
listen = "127.0.0.1:${port}"
[trace]
enabled = true
`;
  const here = await desk(t, { config });
  const files = dataFiles(path.join(here.directory, 'data'));
  writeFileSync(path.join(here.directory, 'events.secret'), `${PASSWORD}\n`, { mode: 0o600 });
  const people = Array.from({ length: PEOPLE }, (_, n) => n);
  here.sql(
    people
      .map((n) => {
        const [owner, delegate] = [`${ownerName(n)}@lab.test`, `${delegateName(n)}@lab.test`];
        return `INSERT INTO mailbox (address, login) VALUES ('${owner}', '${owner}'); INSERT INTO delegate (id, login) VALUES ('${delegate}', '${delegate}');`;
      })
      .join(' '),
  );
  const months = traceDirectory(files);
  mkdirSync(months, { recursive: true });
  const mount = (...how: readonly string[]) => {
    const { status, stderr } = spawnSync('mount', [...how, months], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  mount('-t', 'tmpfs', '-o', 'size=12m,mode=700', 'tmpfs');
  t.teardown(() => spawnSync('umount', ['-l', months]));
  chmodSync(months, 0o700);

  type Told = {
    readonly trouble: string | null;
    readonly lost: number;
    readonly kept: number;
    readonly waiting: number;
  };
  const told = async () => ((await here.json('status')) as { readonly trace: Told }).trace;
  const until = (what: string, is: (one: Told) => boolean) =>
    waitFor(what, LIMIT_MS, async () => {
      const one = await told();
      return is(one) ? one : undefined;
    });
  let sent = 0;
  const post = async (count: number) => {
    const posting = await openPosting(port, 16);
    await posting.post(Array.from({ length: count }, () => requestOf(port, PASSWORD, madeEvent(sent++))));
    posting.close();
  };
  const begin = async () => {
    const running = await lasting(t, here.configFile, 'run');
    await running.said('taking events');
    return running;
  };
  const accesses = async () => {
    const { faults, accesses } = await proveTrace(months, existingSealKey(files.sealKey), { kind: 'none' });
    t.same(
      faults.filter(({ why }) => why !== 'head'),
      [],
    );
    return accesses;
  };

  const filler = path.join(months, 'filler');
  const running = await begin();
  await t.test('full', async (t) => {
    await post(50);
    await until('they are kept', ({ kept }) => kept === 50);
    writeFileSync(filler, Buffer.alloc(1));
    const { bavail, bsize } = statfsSync(months);
    writeFileSync(filler, Buffer.alloc(bavail * bsize + bsize));
    await post(22_000);
    const { trouble } = await until('it is told', (one) => one.trouble !== null && one.lost > 0);
    t.match(trouble, /nothing can be written/);
    t.match(trouble, /full/);
    t.match(await here.mandat('status'), { status: 1, stdout: /trace of access, since .*: nothing can be written/ });
    t.match((await here.mandat('doctor')).stdout, /trace of access.*nothing can be written/);
    await must(here.mandat('delegate', 'add', 'zoe@lab.test'));
    t.match(await here.mandat('list'), { status: 0 }, 'nothing else suffers');
    rmSync(filler);
    const after = await until('it goes on', (one) => one.trouble === null && one.waiting === 0);
    t.equal(after.kept + after.lost, sent, 'each is there, or is counted as lost');
    t.equal(await accesses(), after.kept);
    const gap = await waitFor(
      'it stands in the audit trail',
      LIMIT_MS,
      async () => /trace-gap .*/.exec((await here.mandat('audit')).stdout)?.[0],
    );
    t.match(gap, `lost=${after.lost}`);
    await post(10);
    await until('and on', ({ kept }) => kept === after.kept + 10);
  });
  await running.end('SIGTERM');

  await t.test('read-only', async (t) => {
    const before = await accesses();
    mount('-o', 'remount,ro');
    const again = await begin();
    await post(10);
    await until('it is told', ({ trouble }) => trouble !== null);
    t.match(await here.mandat('status'), { status: 1, stdout: /trace of access, since/ });
    mount('-o', 'remount,rw');
    await until('it goes on', ({ trouble, kept }) => trouble === null && kept === 10);
    t.equal(await accesses(), before + 10);
    await again.end('SIGTERM');
  });
});
