/** The file output by itself: whole or not at all, its reader told, and what happens when something fails. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { type Senders, senders } from '../../bridge/sender/outputs.ts';
import { ruleFile } from '../../bridge/sender/text-file.ts';
import type { Failure } from '../../bridge/shared/failure.ts';
import { openSenderMap, prepareSenderMap, SENDER_FILE } from '../../bridge/store/published/sender-map.ts';
import { systemGroup } from '../../config/lab/system-ids.ts';
import { waitFor } from '../../config/lab/wait.ts';

const MAIL = systemGroup('mail');
const rule = (address: string, login: string) => ({ address: `${address}@x.y`, login: `${login}@x.y` });

interface Place {
  readonly directory: string;
  readonly file: string;
  /** One line for each time that the reader was told: what stood in the file then. */
  told(): readonly string[];
  readonly teller: string;
  open(options?: { readonly reload?: readonly string[]; readonly logins?: string; readonly path?: string }): Senders;
  readonly behind: Failure[];
}

function place(t: Test): Place {
  const directory = t.testdir({});
  const file = path.join(directory, 'senders');
  const [log, teller] = [path.join(directory, 'told'), path.join(directory, 'teller')];
  writeFileSync(
    teller,
    `#!/bin/sh\n[ -e ${directory}/fails ] && { echo it fails >&2; exit 3; }\ngrep -c @ ${file} >>${log}\nexit 0\n`,
  );
  chmodSync(teller, 0o755);
  prepareSenderMap(path.join(directory, 'sender'), undefined);
  const behind: Failure[] = [];
  return {
    directory,
    file,
    teller,
    behind,
    told: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
    open: ({ reload, logins, path: at = file } = {}) => {
      const output = ruleFile({
        path: at,
        format: logins === undefined ? 'exim' : 'opensmtpd',
        gid: MAIL,
        mode: 0o640,
        reload,
        logins,
      });
      const opened = senders(openSenderMap(path.join(directory, 'sender')), [output], (failures) =>
        behind.push(...failures),
      );
      t.teardown(opened.close);
      return opened;
    },
  };
}

const lines = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.includes('@'));
const failed = async (change: ReturnType<Senders['publish']>) =>
  ((await change).failed ?? []).map(({ code, message }) => `${code}: ${message}`);

t.test('mode and group, whatever the umask, and no draft left', async (t) => {
  const { file, directory, open } = place(t);
  const before = process.umask(0o777);
  t.teardown(() => process.umask(before));
  writeFileSync(path.join(directory, '.senders.mandat'), 'left by one that was killed');
  const rules = open();
  t.same(await failed(rules.publish(1, [rule('a', 'bob')])), []);
  const { mode, gid } = statSync(file);
  t.same([(mode & 0o7777).toString(8), gid], ['640', MAIL]);
  t.notOk(existsSync(path.join(directory, '.senders.mandat')));
  chmodSync(file, 0o666);
  await rules.publish(1, [rule('a', 'bob')]);
  t.equal(statSync(file).mode & 0o7777, 0o640, 'set right again');
});

t.test('another file each time, so that whoever has it open reads it to its end', async (t) => {
  const { file, open } = place(t);
  const rules = open();
  await rules.publish(1, [rule('a', 'bob')]);
  const { ino } = statSync(file);
  await rules.publish(1, [rule('a', 'bob')]);
  t.equal(statSync(file).ino, ino, 'nothing has changed: nothing is written');
  await rules.publish(1, []);
  t.not(statSync(file).ino, ino);
  t.same(lines(file), []);
});

t.test('a burst is written together, and nobody is answered before their own change stands there', async (t) => {
  const { file, teller, told, open } = place(t);
  const rules = open({ reload: [teller] });
  const many = Array.from({ length: 60 }, (_, n) => n);
  await Promise.all(
    many.map(async (n) => {
      t.same(await failed(rules.publish(n, [rule(`a${n}`, 'bob')])), []);
      t.ok(lines(file).includes(`a${n}@x.y: bob@x.y`), `a${n}`);
    }),
  );
  t.ok(told().length <= 3, `60 changes, its reader told ${told().length} times`);
  t.equal(told().at(-1), '60', 'when all was there');
});

t.test('a reader that can’t be told: the change is not in force, and it is told later', async (t) => {
  const { directory, file, teller, told, open } = place(t);
  const rules = open({ reload: [teller] });
  await rules.publish(1, [rule('a', 'bob')]);
  writeFileSync(path.join(directory, 'fails'), '');
  const [why = '', ...more] = await failed(rules.publish(1, []));
  t.same(more, []);
  t.match(why, /^retry: the file .*senders does not have the sender rules yet: .*teller failed.*it fails$/);
  t.same(lines(file), [], 'written it is');
  t.same(rules.rules(1), [], 'and published elsewhere');
  t.match(await failed(rules.publish(2, [])), [/^retry: /], 'who publishes nothing new hears of it too');
  rmSync(path.join(directory, 'fails'));
  t.same(await failed(rules.publish(1, [])), []);
  t.same(told(), ['1', '0']);
  t.same(await failed(rules.publish(1, [])), []);
  t.same(told(), ['1', '0'], 'once is enough');
});

t.test('one that died before it told the reader: the next tells them', async (t) => {
  const { teller, told, open } = place(t);
  await open().publish(1, [rule('a', 'bob')]);
  const next = open({ reload: [teller] });
  t.same(await next.settle(), []);
  t.same(told(), ['1']);
});

t.test('a program that isn’t there, that is no program, that fails', async (t) => {
  const { directory, open } = place(t);
  for (const [reload, says] of [
    [['/nowhere/smtpctl'], /\/nowhere\/smtpctl failed/],
    [[directory], /EACCES|failed/],
    [['/bin/sh', '-c', 'exit 4; echo "$0"'], /\/bin\/sh failed/],
  ] as const) {
    t.match(await failed(open({ reload }).publish(1, [rule('a', String(reload.length))])), [says]);
  }
});

t.test('no shell sees the command', async (t) => {
  const { directory, open } = place(t);
  const trap = path.join(directory, 'trap');
  const rules = open({ reload: ['/usr/bin/test', '-n', `$(touch ${trap}); touch ${trap}`] });
  t.same(await failed(rules.publish(1, [rule('a', 'bob')])), []);
  t.notOk(existsSync(trap));
});

t.test('a file that can’t be written: named, the old one stays, the other outputs have it', async (t) => {
  const { directory, file, open } = place(t);
  await open().publish(1, [rule('a', 'bob')]);
  const before = readFileSync(file, 'utf8');
  const gone = open({ path: path.join(directory, 'no/such/senders') });
  t.match(await failed(gone.publish(1, [])), [
    /^retry: the file .*no\/such\/senders does not have the sender rules yet/,
  ]);
  t.same(gone.rules(1), []);
  t.equal(readFileSync(file, 'utf8'), before);
  rmSync(file);
  mkdirSync(path.join(file, 'x'), { recursive: true });
  t.match(await failed(open().publish(1, [rule('b', 'bob')])), [/^retry: the file /], 'a directory in its place');
  t.ok(existsSync(path.join(file, 'x')));
});

t.test('a full disk: the old file stays whole, and the failure says so', async (t) => {
  const { directory, open } = place(t);
  const disk = path.join(directory, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'none', disk]);
  if (mounted.status !== 0) {
    t.comment('skipped: nothing can be mounted here');
    return;
  }
  try {
    const file = path.join(disk, 'senders');
    const rules = open({ path: file });
    t.same(await failed(rules.publish(1, [rule('a', 'bob')])), []);
    const many = Array.from({ length: 500 }, (_, n) => rule(`a${n}`, 'bob'));
    t.match(await failed(rules.publish(2, many)), [/^retry: the file .*: the disk is full$/]);
    t.same(lines(file), ['a@x.y: bob@x.y'], 'the old one');
    t.same(await failed(rules.publish(2, [])), [], 'and on it goes');
  } finally {
    spawnSync('umount', [disk]);
  }
});

t.test('rules that somebody else has put into the map: good ones follow, bad ones are named', async (t) => {
  const { directory, file, open } = place(t);
  const rules = open();
  await rules.publish(1, [rule('a', 'bob')]);
  const other = new Database(path.join(directory, 'sender', SENDER_FILE));
  t.teardown(() => other.close());
  const put = other.prepare('INSERT INTO sender_login VALUES (?, ?, 7)');
  put.run('b@x.y', 'bob@x.y');
  t.same(await rules.settle(), []);
  t.same(lines(file), ['a@x.y: bob@x.y', 'b@x.y: bob@x.y']);
  put.run('c@x.y\nceo@x.y: bob@x.y', 'bob@x.y');
  t.match(await failed(rules.publish(2, [rule('d', 'bob')])), [
    /can't hold the rule that "bob@x.y" may send as "c@x.y\\nceo@x.y: bob@x.y"/,
  ]);
  t.same(lines(file), ['a@x.y: bob@x.y', 'b@x.y: bob@x.y', 'd@x.y: bob@x.y'], 'the others are not kept waiting');
  t.same(await failed(rules.publish(7, [])), []);
});

t.test('a table of credentials that changes while it is being followed is followed again', async (t) => {
  const { directory, file, open } = place(t);
  const logins = path.join(directory, 'credentials');
  const meanwhile = path.join(directory, 'meanwhile');
  writeFileSync(logins, 'alice@x.y hash\n');
  // The reader is told when the table has been read, and before all is settled.
  writeFileSync(meanwhile, `#!/bin/sh\ngrep -q bob ${logins} || echo 'bob@x.y hash' >>${logins}\n`);
  chmodSync(meanwhile, 0o755);
  const rules = open({ logins, reload: [meanwhile] });
  t.same(await rules.settle(), []);
  t.same(lines(file), ['alice@x.y: alice@x.y']);
  t.same(await rules.settle(), []);
  t.same(lines(file), ['alice@x.y: alice@x.y', 'bob@x.y: bob@x.y']);
});

t.test('who is new in the table of credentials keeps their own address, without any publishing', async (t) => {
  const { directory, file, behind, open } = place(t);
  const logins = path.join(directory, 'credentials');
  writeFileSync(logins, 'alice@x.y hash\n');
  t.same(await open({ logins }).settle(), []);
  t.same(lines(file), ['alice@x.y: alice@x.y']);
  writeFileSync(logins, 'alice@x.y hash\nbob@x.y hash\n');
  await waitFor('the new one', 10_000, () => lines(file).length === 2);
  rmSync(logins);
  await waitFor('somebody to hear of it', 10_000, () => behind.length > 0);
  t.match(behind[0], { code: 'retry', message: /the file .*senders/ });
  t.same(lines(file).length, 2, 'nobody is locked out by that');
});
