/** config/cyrus/mandat-end-sessions by itself: which processes it ends, and all that it refuses. The same on a real Cyrus: servers/. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { waitFor } from '../../config/lab/wait.ts';

const SHIPPED = path.resolve(import.meta.dirname, '../../config/cyrus');

interface Running {
  readonly pid: number;
  readonly child: ChildProcess;
}

/** The helper, with a cyr_info whose list the test writes, and programs that do nothing under a name. */
function helper(t: Test) {
  const directory = t.testdir({});
  const at = (name: string) => path.join(directory, name);
  const shipped = readFileSync(path.join(SHIPPED, 'mandat-end-sessions'), 'utf8');
  const replaced = shipped.replace(/^CYR_INFO=.*$/m, `CYR_INFO=${at('cyr_info')}`);
  if (replaced === shipped) throw new Error('CYR_INFO is set elsewhere now');
  writeFileSync(at('helper'), replaced);
  writeFileSync(
    at('cyr_info'),
    `#!/bin/sh\n[ "$*" = "-C /etc/imapd.conf proc" ] || exit 9\ncat ${at('list')}\n[ ! -e ${at('fails')} ]\n`,
  );
  writeFileSync(at('list'), '');
  for (const name of ['helper', 'cyr_info']) chmodSync(at(name), 0o755);
  const run = (...args: string[]) => spawnSync(at('helper'), args, { encoding: 'utf8', timeout: 60_000 });
  const start = async (program = 'imapd'): Promise<Running> => {
    mkdirSync(at('bin'), { recursive: true });
    if (!existsSync(at(`bin/${program}`))) copyFileSync('/bin/sleep', at(`bin/${program}`));
    const child = spawn(at(`bin/${program}`), ['1000'], { stdio: 'ignore' });
    t.teardown(() => child.kill('SIGKILL'));
    const pid = child.pid as number;
    await waitFor(`${program} to run`, 10_000, () => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === program);
    return { pid, child };
  };
  return { at, run, start, lists: (...lines: string[]) => writeFileSync(at('list'), `${lines.join('\n')}\n`) };
}

const ended = ({ child }: Running) => waitFor('it to end', 10_000, () => child.signalCode === 'SIGTERM');

t.test('exactly that login, and imapd only', async (t) => {
  const { run, start, lists } = helper(t);
  const [one, two, alice, other, last] = [
    await start(),
    await start(),
    await start(),
    await start('lmtpd'),
    await start(),
  ];
  lists(
    `${one.pid} imap host.example [192.0.2.1] bob@lab.test user.bob Select`,
    `${two.pid} imaps [::1] bob@lab.test  `,
    `${alice.pid} imap localhost [127.0.0.1] alice@lab.test user.bob@lab.test Fetch`,
    `${other.pid} lmtp localhost [127.0.0.1] bob@lab.test  `,
    `${last.pid} imap localhost [127.0.0.1]   `,
    `2147483646 imap localhost [127.0.0.1] bob@lab.test  `,
    `0 imap localhost [127.0.0.1] bob@lab.test  `,
    `-1 imap localhost [127.0.0.1] bob@lab.test  `,
    `1 imap localhost [127.0.0.1] bob@lab.test  `,
    `${process.pid} imap localhost [127.0.0.1] bob@lab.test  `,
    'rubbish bob@lab.test',
  );
  const listed = run('list', 'bob@lab.test');
  t.same([listed.status, listed.stdout, listed.stderr], [0, `${one.pid}\n${two.pid}\n`, '']);
  for (const near of ['bob', 'lab.test', 'ob@lab.test', 'bob@lab.tes', 'bob@lab+test', 'user.bob', 'localhost']) {
    t.same([run('list', near).stdout, run('end', near).status], ['', 0], near);
  }
  t.equal(run('end', 'bob@lab.test').status, 0);
  await ended(one);
  await ended(two);
  for (const spared of [alice, other, last]) t.equal(spared.child.exitCode ?? spared.child.signalCode, null);
});

t.test('refused, and nothing ended', async (t) => {
  const { run, start, lists } = helper(t);
  const bob = await start();
  lists(`${bob.pid} imap localhost [127.0.0.1] bob  `, `${bob.pid} imap localhost [127.0.0.1] * user.x`);
  const logins = [
    '',
    '*',
    '-9',
    '--',
    '.*',
    'b?b',
    'bob\n',
    'bob ',
    'b"b',
    "b'b",
    'b\\b',
    '$(id)',
    '`id`',
    'bob;id',
    'a/b',
    'Bob',
    'é',
    'x'.repeat(255),
    '[b]ob',
  ];
  for (const login of logins) {
    for (const order of ['list', 'end']) t.match(run(order, login), { status: 2, stdout: '' }, JSON.stringify(login));
  }
  for (const words of [[], ['end'], ['kill', 'bob'], ['end', 'bob', 'alice'], ['bob'], ['socket', 'x', 'y'], ['-h']]) {
    t.match(run(...words), { status: 2, stdout: '' }, words.join(' '));
  }
  t.equal(run('end', '..').status, 0, 'a login like another: nobody has it');
  t.equal(bob.child.exitCode ?? bob.child.signalCode, null);
});

t.test('a list that could not be had is a failure, and nothing is ended by half of one', async (t) => {
  const { at, run, start, lists } = helper(t);
  const bob = await start();
  lists(`${bob.pid} imap localhost [127.0.0.1] bob  `);
  writeFileSync(at('fails'), '');
  for (const order of ['list', 'end']) t.match(run(order, 'bob'), { status: 1, stdout: '' }, order);
  t.equal(bob.child.exitCode ?? bob.child.signalCode, null);
});

t.test('through the socket, as systemd hands it one', async (t) => {
  const { at, run, start, lists } = helper(t);
  const bob = await start();
  lists(`${bob.pid} imap localhost [127.0.0.1] bob  `);
  const short = mkdtempSync(path.join(tmpdir(), 'mandat-')); // a socket's path has 107 characters at most
  t.teardown(() => rmSync(short, { recursive: true }));
  const socket = path.join(short, 'socket');
  const server = createServer({ allowHalfOpen: true }, (asked) => {
    const child = spawn(at('helper'), ['socket'], { stdio: ['pipe', 'pipe', 'ignore'] });
    asked.pipe(child.stdin);
    child.stdout.pipe(asked);
    child.stdin.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.teardown(() => server.close());
  const asks = readFileSync(path.join(SHIPPED, 'mandat-ask-sessions'), 'utf8');
  writeFileSync(at('ask'), asks.replace(/^my \$path = .*$/m, `my $path = '${socket}';`));
  chmodSync(at('ask'), 0o755);
  const ask = (...args: string[]) =>
    new Promise<{ status: number | null; stdout: string }>((resolve) => {
      const child = spawn(at('ask'), args, { stdio: ['ignore', 'pipe', 'ignore'] });
      let stdout = '';
      child.stdout.on('data', (part) => {
        stdout += part;
      });
      child.on('close', (status) => resolve({ status, stdout }));
    });
  t.same(await ask('list', 'bob'), { status: 0, stdout: `${bob.pid}\n` });
  t.same(await ask('list', 'alice'), { status: 0, stdout: '' });
  t.match(await ask('list', '-x'), { status: 2 });
  t.not((await ask('end', 'bob alice')).status, 0, 'one login at a time');
  t.not((await ask('end')).status, 0);
  t.equal(bob.child.exitCode ?? bob.child.signalCode, null);
  t.same(await ask('end', 'bob'), { status: 0, stdout: '' });
  await ended(bob);
  const together = spawnSync(at('helper'), ['socket'], { encoding: 'utf8', input: 'end bob alice\n' });
  t.match(together, { status: 2 });
  writeFileSync(at('fails'), '');
  t.match(await ask('list', 'bob'), { status: 1 });
  t.equal(run('list', 'bob').status, 1);
});
