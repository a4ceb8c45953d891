/**
 * A server, or what is said about it, that is not as it should be: no account, an authzid that is dropped, a wrong password, a
 * server that is down. Each fails with a reason for the mailbox that it concerns, and for no other; when it is mended all is well.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { commandOf, routeThrough, startProxy } from './imap-proxy.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { entries, granted, seen } from './wire.ts';

let site: Site;
t.beforeEach(async () => {
  site = await startSite({
    users: ['alice', 'bob', 'carol'],
    postfix: false,
    extraToml: '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 1',
  });
  await site.register('alice', 'bob', 'carol');
});
t.afterEach(() => site.stop());

interface Status {
  readonly failures: readonly {
    readonly mailbox: string;
    readonly code: string;
    readonly message: string;
    readonly hint: string;
  }[];
  readonly waiting: number;
}
const status = async () => JSON.parse((await site.mandat('--json', 'status')).stdout) as Status;

/** Waits until the sidecar has tried, and what the status says then. */
async function failures(count: number): Promise<Status['failures']> {
  const state = new Database(site.stateFile, { readonly: true });
  const failing = state.prepare('SELECT count(*) FROM outcomes WHERE code IS NOT NULL').pluck();
  await waitFor(`${count} failures`, 20_000, () => failing.get() === count);
  state.close();
  return (await status()).failures;
}

async function clean(): Promise<void> {
  await site.settled();
  await failures(0);
}

/** A base64 word of SASL PLAIN: authzid NUL user NUL password. RFC 4616 section 2 */
const decoded = (word: string) => Buffer.from(word, 'base64').toString('utf8').split('\0');
const encoded = (...parts: readonly string[]) => Buffer.from(parts.join('\0')).toString('base64');

t.test('accounts that the server does not have', async (t) => {
  await site.sql(
    `INSERT INTO mailbox (address) VALUES ('gone@lab.test'); INSERT INTO delegate (id) VALUES ('ghost@lab.test')`,
  );
  await site.run();
  await grantRow(site, 'alice', 'bob');
  t.match(
    await site.mandat('grant', at('gone'), at('bob')),
    {
      status: 1,
      stderr: /saved, but not in force yet.*no account gone@lab\.test\n.*create the account.*mandat mailbox set/s,
    },
    'an owner: at the command line',
  );
  t.match(
    await failures(1),
    [{ mailbox: at('gone'), code: 'absent', message: /no account gone@lab\.test/, hint: /create/ }],
    'and in the status',
  );
  t.match(await site.mandat('mailbox', 'show', at('gone')), { status: 0, stdout: /gone@lab\.test/ });
  t.match(await site.mandat('explain', at('gone')), {
    status: 4,
    stdout: /in force/,
    stderr: /no account gone@lab\.test/,
  });

  t.match(
    await site.mandat('grant', at('alice'), at('ghost')),
    { stdout: /^/, stderr: /no account ghost@lab\.test/ },
    'a delegate',
  );
  t.same(await seen(site, 'alice', 'bob'), granted(), 'their co-delegate is not concerned');
  t.match(
    await site.mandat('grant', at('alice'), at('carol')),
    { stdout: /in force after/ },
    'nor is one who comes later',
  );
  t.same(await seen(site, 'alice', 'carol'), granted());

  await site.lab.addUser(at('gone'), 'pw-gone');
  await site.lab.addUser(at('ghost'), 'pw-ghost');
  await site.mandat('sync');
  await clean();
  t.same(await seen(site, 'gone', 'bob'), granted(), 'mended: the owner');
  t.same(await seen(site, 'alice', 'ghost'), granted(), 'and the delegate');
  t.match(await site.mandat('verify'), { status: 0 });
});

t.test('a server that drops the authzid, or takes another for it: nothing is written', async (t) => {
  let becomes: (authzid: string) => string = () => '';
  const proxy = await startProxy(site.lab.imap, (line) => {
    const [tag = '', command = '', mechanism = '', word = ''] = line.split(' ');
    const word64 = command.toUpperCase() === 'AUTHENTICATE' ? word : tag === line ? line : undefined;
    if (word64 === undefined || word64 === '') return 'pass';
    const [authzid = '', user, secret] = decoded(word64);
    if (user !== site.lab.master.user || secret === undefined) return 'pass';
    const other = encoded(becomes(authzid), user, secret);
    return { line: word64 === line ? other : `${tag} ${command} ${mechanism} ${other}` };
  });
  t.teardown(() => proxy.close());
  // The administrator has a mailbox of their own here, into which a dropped authzid leads.
  const passwd = path.join(site.lab.directory, 'dovecot/users');
  const text = await readFile(passwd, 'utf8');
  await writeFile(passwd, `${text}${site.lab.master.user}:{PLAIN}${site.lab.master.password}::::::\n`);
  await site.lab.stopDovecot();
  await site.lab.startDovecot();
  await routeThrough(site, proxy);
  await grantRow(site, 'alice', 'bob');
  const before = await entries(site, 'alice');
  const cases: readonly (readonly [(authzid: string) => string, string])[] = [
    [() => '', 'dropped'],
    [() => at('carol'), "somebody else's"],
  ];
  for (const [becoming, why] of cases) {
    becomes = becoming;
    t.match(
      await site.mandat('sync'),
      {
        status: 1,
        stderr:
          /alice@lab\.test: the session that was asked for alice@lab\.test is not proven to be theirs.*\n.*imap\.impersonate/,
      },
      why,
    );
    t.match((await status()).failures, [{ mailbox: at('alice'), code: 'unsafe' }]);
    t.match(await site.mandat('explain', at('alice'), at('bob')), { status: 1, stderr: /not proven/ });
    t.same(await entries(site, 'alice'), before, "nothing in the owner's mailbox");
    t.same(await entries(site, 'carol'), { ...before }, 'nor in the other');
  }
  becomes = (authzid) => authzid;
  t.match(await site.mandat('sync'), { status: 0 });
  t.same(await seen(site, 'alice', 'bob'), granted());
});

t.test('a wrong password of the administrator', async (t) => {
  const secret = path.join(site.lab.directory, 'imap.secret');
  const right = await readFile(secret, 'utf8');
  await writeFile(secret, 'wrong\n');
  const one = await site.run();
  const said = await site.mandat('grant', at('alice'), at('bob'));
  t.match(said, {
    status: 1,
    stdout: /delegated to bob/,
    stderr: /refused to log bridge in as alice@lab\.test \(authzid\).*\n.*imap\.admin_user, its password/,
  });
  t.notMatch(said.stdout + said.stderr + JSON.stringify(one.log()), 'wrong', 'which is not repeated');
  t.match(await failures(1), [{ mailbox: at('alice'), code: 'config', hint: /password/ }]);
  t.same(await seen(site, 'alice', 'bob'), {});
  await writeFile(secret, right);
  process.kill(one.pid, 'SIGHUP');
  await clean();
  t.same(await seen(site, 'alice', 'bob'), granted(), 'mended, and reread at SIGHUP');
});

t.test('down, then up again: nothing is lost, and the last word counts', async (t) => {
  const one = await site.run();
  await grantRow(site, 'alice', 'bob');
  await site.settled();
  await site.lab.stopDovecot();
  await grantRow(site, 'alice', 'carol');
  t.match(await site.mandat('revoke', at('alice'), at('bob'), '--yes', '--wait', '1'), {
    status: 5,
    stderr: /access has not been withdrawn yet/,
  });
  t.match(await failures(1), [{ mailbox: at('alice'), code: 'retry', message: /can't be reached/, hint: /runs/ }]);
  const { waiting, queue, lagMs } = JSON.parse((await site.mandat('--json', 'status')).stdout);
  t.match({ waiting, queue }, { waiting: 1, queue: [{ mailbox: at('alice'), since: /^2/ }] });
  t.ok(lagMs > 0);
  t.match(await site.mandat('status'), { status: 1, stdout: /^lag +[\d.]+ m?s: the oldest waiting change/m });
  await site.lab.startDovecot();
  await clean();
  t.same(await seen(site, 'alice', 'bob'), {});
  t.same(await seen(site, 'alice', 'carol'), granted());
  t.equal(await one.end(), 0);
});

t.test('an answer without end: told, tried again, and nothing of it is kept', async (t) => {
  let instead: string | undefined;
  const proxy = await startProxy(site.lab.imap, (line) =>
    instead !== undefined && commandOf(line) === 'LIST' ? { endless: instead } : 'pass',
  );
  t.teardown(() => proxy.close());
  await routeThrough(site, proxy);
  await grantRow(site, 'alice', 'bob');
  for (const [endless, says] of [
    [
      '* LIST (\\HasNoChildren) "/" folder\r\n',
      /answered LIST with more than 100000 lines|more than 16 MB|took more than/,
    ],
    ['* LIST (\\HasNoChildren) "/" folder', /answered with a line that does not end/],
  ] as const) {
    instead = endless;
    t.match(await site.mandat('sync'), { status: 5, stderr: says });
    const [failure, ...others] = (await status()).failures;
    t.match(failure, { mailbox: at('alice'), code: 'retry', message: says, hint: /Its log may say more/ });
    t.same(others, []);
    t.same(await seen(site, 'alice', 'bob'), {});
  }
  instead = undefined;
  t.match(await site.mandat('sync'), { status: 0 });
  t.same(await seen(site, 'alice', 'bob'), granted());
});
