/** Cutting by commands of the site's: what they are told, what counts as done, and what whatever they do costs. R49. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { commandCutter, withLogin } from '../../bridge/sessions/command.ts';
import type { Failure } from '../../bridge/shared/failure.ts';
import { waitFor } from '../../config/lab/wait.ts';

/** A program for each of the two, and a file of open sessions that both work on. */
function programs(t: Test, { end = 'true', list = 'cat sessions' }: { end?: string; list?: string | null }) {
  const directory = t.testdir({});
  const at = (name: string) => path.join(directory, name);
  const write = (name: string, body: string) => {
    writeFileSync(at(name), `#!/bin/bash\ncd ${directory}\nprintf '%s\\n' "${name}:$#:$*" >>asked\n${body}\n`);
    chmodSync(at(name), 0o755);
    return at(name);
  };
  writeFileSync(at('sessions'), '');
  return {
    at,
    sessions: (...ids: string[]) => writeFileSync(at('sessions'), ids.map((id) => `${id}\n`).join('')),
    asked: () => (existsSync(at('asked')) ? readFileSync(at('asked'), 'utf8').trim().split('\n') : []),
    cutter: (timeoutMs = 20_000, limitMs = 20_000) =>
      commandCutter(
        {
          end: [write('end', end), '--quiet', '{login}', 'now'],
          list: list === null ? undefined : [write('list', list)],
          timeoutMs,
        },
        limitMs,
      ),
  };
}

const failureOf = (promise: Promise<unknown> | undefined): Promise<Failure> =>
  Promise.resolve(promise).then(
    () => {
      throw new Error('no failure');
    },
    (error: Failure) => error,
  );

t.test('the login takes its place, or comes last; both are asked, and the sessions are seen to be gone', async (t) => {
  const site = programs(t, { end: ': >sessions' });
  site.sessions('11', '12');
  const cut = await site.cutter().cut('bob@lab.test');
  t.equal(cut.before, 2);
  t.equal(await cut.ended(), true);
  t.strictSame(site.asked(), ['list:1:bob@lab.test', 'end:3:--quiet bob@lab.test now', 'list:1:bob@lab.test']);
});

t.test('nobody is connected: ended, and not looked for again', async (t) => {
  const site = programs(t, {});
  const cut = await site.cutter().cut('bob');
  t.equal(cut.before, 0);
  t.equal(await cut.ended(), true);
  t.equal(site.asked().length, 2);
});

t.test('a session takes its time to end, and a new one begins meanwhile', async (t) => {
  const site = programs(t, { list: 'cat sessions; [ $(grep -c list asked) -ge 4 ] && echo 99 >sessions; true' });
  site.sessions('11');
  const cut = await site.cutter().cut('bob');
  t.equal(await cut.ended(), true);
  t.ok(site.asked().filter((one) => one.startsWith('list')).length > 3);
});

t.test('what goes on is a failure that names it', async (t) => {
  const site = programs(t, {});
  site.sessions('11', '12', '13');
  const cut = await site.cutter(20_000, 50).cut('bob');
  t.match(await failureOf(cut.ended()), {
    code: 'retry',
    rule: 'SESSION_GOES_ON',
    message: /^3 sessions of bob that .*\/end was told to end go on \(11; 12; 13\)$/,
    hint: /end --quiet bob now/,
  });
});

t.test('without a list nothing is said to be proven', async (t) => {
  const cut = await programs(t, { list: null }).cutter().cut('bob');
  t.equal(cut.before, undefined);
  t.equal(await cut.ended(), false);
  t.match(cut.toSee, /list_command/);
});

t.test('the order fails', async (t) => {
  const rows = [
    ['echo no such user >&2; exit 1', 'retry', /could not end the sessions of bob: exit status 1 \(no such user\)/],
    ['kill -9 $$', 'retry', /it was killed/],
    ['yes', 'retry', /prints without end/],
    ['yes >&2', 'retry', /prints without end/],
    ['sleep 1000 & sleep 1000', 'retry', /no end within 0\.5 s/],
    ['trap "" TERM; (setsid sleep 10; true) & wait', 'retry', /no end within 0\.5 s/],
  ] as const;
  for (const [end, code, message] of rows) {
    t.match(await failureOf(programs(t, { end }).cutter(500).cut('bob')), { code, message }, end);
  }
  for (const [program, message] of [
    ['/nonexistent/end', /there is no such program/],
    ['/etc/passwd', /it may not be run/],
  ] as const) {
    const cutter = commandCutter({ end: [program], list: undefined, timeoutMs: 5000 });
    t.match(await failureOf(cutter.cut('bob')), { code: 'config', message, hint: /end_command/ });
  }
});

t.test('the look fails: the order is given all the same, and nothing is proven', async (t) => {
  const rows = [
    ['exit 3', 'retry', /could not show the sessions of bob: exit status 3/],
    ['echo "Error: no such file"', 'config', /no list of the sessions of bob: "Error: no such file"/],
    ['echo 11 imap localhost', 'config', /no list/],
    ['printf "\\033]0;x\\007\\n"', 'config', /no list/],
    ['head -c 300 /dev/zero | tr "\\0" 1', 'config', /no list/],
    ['seq 1 20000', 'config', /no list of the sessions of bob: 20000 lines/],
    ['yes', 'retry', /prints without end/],
    ['sleep 1000', 'retry', /list_command did not answer within 1 s/],
  ] as const;
  for (const [list, code, message] of rows) {
    const site = programs(t, { list });
    const cut = await site.cutter(5000).cut('bob');
    t.match(await failureOf(cut.ended()), { code, message }, list);
    t.ok(
      site.asked().some((one) => one.startsWith('end:')),
      'the order was given',
    );
  }
});

t.test('a look that fails later proves nothing either', async (t) => {
  const site = programs(t, { list: '[ $(grep -c list asked) -ge 2 ] && exit 1; cat sessions' });
  site.sessions('11');
  const cut = await site.cutter().cut('bob');
  t.equal(cut.before, 1);
  t.match(await failureOf(cut.ended()), { message: /exit status 1/ });
});

t.test('what it has started ends with it', async (t) => {
  const site = programs(t, { end: 'sleep 1000 & echo $! >child; wait' });
  await failureOf(site.cutter(1000).cut('bob'));
  const child = readFileSync(site.at('child'), 'utf8').trim();
  await waitFor('the child to be gone', 10_000, () =>
    readState(child).then(
      (state) => state === 'Z',
      () => true,
    ),
  );
});

const readState = async (pid: string) => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];

t.test('no login is ever an option, a path or a second word', async (t) => {
  for (const login of [
    '',
    '-x',
    '--all',
    'a b',
    'a\nb',
    'a;b',
    '$(id)',
    '../x',
    'anyone',
    'x'.repeat(300),
    'a\0b',
    '*',
  ]) {
    t.throws(() => withLogin(['/bin/end'], login), { code: 'refused' }, JSON.stringify(login));
  }
  t.strictSame(withLogin(['/bin/end', '{login}'], 'bob@lab.test'), ['/bin/end', 'bob@lab.test']);
  t.strictSame(withLogin(['/bin/end'], 'bob+x'), ['/bin/end', 'bob+x']);
});
