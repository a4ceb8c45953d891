import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { readFragment } from '../../config/lab/fragment.ts';
import { imapReader } from '../../config/lab/imap-reader.ts';
import { startLab } from '../../config/lab/lab.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import { isAlive } from '../../config/lab/processes.ts';
import { connectImap, quoted } from '../../config/lab/raw-imap.ts';
import { run } from '../../config/lab/run.ts';
import { server } from '../../config/lab/server.ts';
import { GRACE_MS, waitFor, within } from '../../config/lab/wait.ts';

t.test('IMAP responses are cut right, wherever the network cuts the bytes', async () => {
  const responses = [
    '* OK ready',
    '* LIST () "/" {7}\r\na {3}\r\nb',
    '* 1 FETCH (BODY[1] {11}\r\nété {4}\r\n BODY[2] {0}\r\n)',
    't1 OK done {not a literal}',
    '',
  ];
  const bytes = Buffer.from(responses.map((response) => `${response}\r\n`).join(''));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: bytes.length })), (cuts) => {
      const reader = imapReader();
      const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const read = at.slice(1).flatMap((end, i) => reader.push(bytes.subarray(at[i], end)));
      assert.deepEqual(read, responses);
    }),
  );
});

t.test('quoted strings', async (t) => {
  t.equal(quoted('a "b" \\c'), '"a \\"b\\" \\\\c"');
  t.throws(() => quoted('a\r\nb LOGOUT'));
});

t.test('reserved ports are free, and nobody else is given them', async (t) => {
  const reservations = await Promise.all(Array.from({ length: 20 }, () => reservePorts(5)));
  const ports = reservations.flatMap(({ ports }) => ports);
  t.equal(new Set(ports).size, 100);
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(ports[0], '127.0.0.1', resolve));
  await new Promise((resolve) => server.close(resolve));
  await Promise.all(reservations.map(({ release }) => release()));
});

t.test('whatever is waited for in vain is named', async (t) => {
  const never = new Promise<never>(() => {});
  await t.rejects(
    within('the answer', 10, never, () => 'its log'),
    /not within \d+ ms: the answer\nits log/,
  );
  await t.rejects(
    waitFor('the answer', 10, () => false),
    /not within \d+ ms: the answer$/,
  );
  await t.rejects(
    waitFor('the answer', 10 - GRACE_MS, () => never),
    /: the answer; the last look has not come back/,
  );
  await t.rejects(run('sleep', ['600'], { timeout: 50 }), /not within 50 ms: the end of sleep 600/);

  const silent = net.createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => silent.close());
  const { port } = silent.address() as net.AddressInfo;
  await t.rejects(
    connectImap({ host: '127.0.0.1', port }, 50),
    /not within \d+ ms: the IMAP greeting of 127\.0\.0\.1:/,
  );
});

t.test('a fragment that lost what the lab replaces is an error, not a lab that tests something else', async (t) => {
  await t.rejects(readFragment('dovecot/2.3/mandat.conf', { '/no/such/path': '/tmp' }), /stale/);
});

t.test('a server whose port is taken fails, though somebody answers there', async (t) => {
  const lab = await startLab({ users: [] });
  t.teardown(() => lab.stop());
  const directory = t.testdir();
  const conf = path.join(directory, 'dovecot.conf');
  const listener = `service imap-login {\n  inet_listener imap {\n    port = ${lab.imap.port}\n  }\n}\n`;
  const site = `base_dir = ${directory}/run\nlog_path = ${directory}/log\nssl = no\nprotocols = imap\nlisten = 127.0.0.1\n`;
  writeFileSync(conf, site + listener);
  const second = server({
    name: 'second',
    argv: ['/usr/sbin/dovecot', '-F', '-c', conf],
    log: path.join(directory, 'log'),
    pidFile: path.join(directory, 'run/master.pid'),
    ports: [{ port: lab.imap.port, speaksFirst: true }],
  });
  await t.rejects(second.start(), /address already in use/i);
});

t.test('a lab whose process is killed leaves nothing behind', async (t) => {
  const script = `
    const { startLab } = await import(${JSON.stringify(new URL('../../config/lab/lab.ts', import.meta.url).href)});
    const lab = await startLab({ users: [] });
    console.log(JSON.stringify({ directory: lab.directory, pids: lab.pids() }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '--eval', script], {
    cwd: path.join(import.meta.dirname, '../..'),
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data))));
  const { directory, pids } = JSON.parse(line) as { directory: string; pids: number[] };
  t.equal(pids.filter(isAlive).length, 2);
  t.match(readFileSync(`/proc/${pids[0]}/cmdline`, 'latin1'), directory);
  child.kill('SIGKILL');
  await waitFor('the end of the servers', 15_000, () => !pids.some(isAlive) && !existsSync(directory));
});
