/**
 * PostgreSQL away in each way that it has, under a sidecar, a submission filter and a portal that run all the time: commands say so and change nothing; who
 * has a delegation in force reads and may send as before, and nobody else does; a message that is sent waits with its client, a page says when to come again, and
 * nobody is let through meanwhile; afterwards all of it goes on by itself, each event audited and noticed once.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { isAlive } from '../../../config/lab/processes.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { startSink } from '../../notify/sink.ts';
import { WEBMAIL } from '../../portal/api-site.ts';
import type { Browser } from '../../portal/browser-cookies.ts';
import { portalSite } from '../../portal/portal-site.ts';
import { startPostgresProxy } from '../../store/postgres-proxy.ts';
import { at, password, type Running, spawnRun, startSite } from '../site.ts';
import { keepSitesInPostgresql, last } from '../site-in-postgresql.ts';
import { askSender, submissionAs } from '../submission.ts';
import { seen } from '../wire.ts';

const LIMIT_MS = 120_000;

/** A disk of its own, small, so that it can be filled. */
const disk = mkdtempSync(path.join(os.tmpdir(), 'mandat-pg-disk-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=755', 'none', disk]).status === 0;
if (!mounted) t.comment('NOTHING CAN BE MOUNTED HERE: the full disk is skipped');
const directory = path.join(disk, 'pg');
mkdirSync(directory);
t.teardown(() => {
  spawnSync('umount', ['-l', disk]);
  rmSync(disk, { recursive: true, force: true });
});

const postgresql = await startPostgresql({ directory, extra: 'synchronous_commit = on' });
t.teardown(() => postgresql.stop());
const proxy = await startPostgresProxy(postgresql.port);
t.teardown(() => proxy.close());
keepSitesInPostgresql(() => postgresql, proxy.port);
const sink = await startSink();
t.teardown(() => sink.close());
const site = await startSite({
  users: ['alice', 'bob', 'carol', 'mandat'],
  chroot: false,
  filter: true,
  extraSubmission: 'sent_copy = "none"',
  extraToml: `[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 1
[notices]\nport = ${sink.port}\ntls = "none"\nfrom = "${at('mandat')}"\nlanguage = "en"\npassword_file = "smtp.secret"\n`,
});
t.teardown(() => site.stop());
await writeFile(path.join(site.lab.directory, 'smtp.secret'), password('mandat'), { mode: 0o600 });

const access = async (name: string) => Object.keys(await seen(site, 'alice', name)).length > 0;
const mayUse = async (name: string) => {
  const session = await submissionAs(site, name);
  const { code } = await askSender(session, at('alice'));
  session.close();
  return code === 250;
};
/** What the client hears at the end of a message in the owner's name. */
const answered = async (name: string, from: string) => {
  const session = await submissionAs(site, name);
  const answer = await session.sendMail(from, at('mandat'), `From: ${from}\r\nSubject: x\r\n\r\nx\r\n`);
  session.close();
  return answer;
};
const sent = async (name: string, from: string) => (await answered(name, from)).code;
const saidLast = () => JSON.stringify(sidecar.log().slice(-30));
const filterPid = () => sidecar.log().findLast(({ msg }) => msg === 'filtering submissions')?.pid;
const done = async (...args: readonly string[]) => {
  const { status, stdout, stderr } = await site.mandat(...args);
  t.equal(status, 0, `mandat ${args.join(' ')}: ${stdout}${stderr}`);
};

let sidecar: Running;
const claims = (name: string) => ({ preferred_username: at(name), given_name: name, acr: 'eidas1' });
const portal = await portalSite(t, {
  configFile: site.configFile,
  portal: `clients = ["${WEBMAIL}"]\n`,
  people: { [at('alice')]: claims('alice') },
});
const asAlice = async (method: string, where: string, body?: object) => {
  const { url, provider } = portal;
  const token = provider.sign({ sub: at('alice'), azp: WEBMAIL, aud: url, ...claims('alice') }, { typ: 'at+jwt' });
  const answer = await fetch(`${url}/api/v1/mailboxes/${at('alice')}${where}`, {
    method,
    headers: {
      connection: 'close',
      authorization: `Bearer ${await token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, again: answer.headers.get('retry-after'), text: await answer.text() };
};
let alice: Browser;

t.test('who has a delegation in force, and who has none', async (t) => {
  await done('mailbox', 'add', at('alice'));
  for (const name of ['bob', 'carol']) await done('delegate', 'add', at(name));
  sidecar = await site.run();
  await done('grant', at('alice'), at('bob'));
  let heard = '';
  const isSent = async () => {
    const { code, text } = await answered('bob', at('alice'));
    heard = `${heard}${code} ${text}\n`;
    return code === 250;
  };
  await waitFor('a message is sent', LIMIT_MS, isSent, () => `${heard}${saidLast()}`);
  alice = await portal.signInAs(at('alice'));
  t.match(await alice.get('/'), { status: 200, body: at('bob') });
});

/** How often carol was given access, and it was taken from her. */
let rounds = 0;

const FAULTS: readonly {
  readonly name: string;
  readonly skip?: boolean;
  /** It may go on answering questions. */
  readonly writesOnly?: boolean;
  readonly begin: () => unknown;
  /** Of a command. Default: 5, to be tried again. */
  readonly status?: number;
  readonly says: RegExp;
  readonly end: () => unknown;
}[] = [
  {
    name: 'every connection cut, and none taken',
    begin: () => {
      proxy.open = false;
      proxy.cut();
    },
    says: /can't be reached|was lost/,
    end: () => {
      proxy.open = true;
    },
  },
  {
    name: 'stopped, and started again',
    begin: () => postgresql.halt(),
    says: /can't be reached|was lost/,
    end: () => postgresql.start(),
  },
  {
    name: 'as many connections as it takes',
    begin: async () => {
      await postgresql.sql('postgres', `ALTER ROLE mandat1 CONNECTION LIMIT 0`);
      await postgresql.sql(
        'postgres',
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'mandat1'",
      );
    },
    says: /it has as many connections as it takes/,
    end: () => postgresql.sql('postgres', 'ALTER ROLE mandat1 CONNECTION LIMIT -1'),
  },
  {
    name: 'its password has expired',
    begin: async () => {
      await postgresql.sql('postgres', "ALTER ROLE mandat1 VALID UNTIL '2000-01-01'");
      await postgresql.sql(
        'postgres',
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'mandat1'",
      );
    },
    status: 2,
    says: /does not let user mandat1 in: password authentication failed[\s\S]*check database_password_file/,
    end: () => postgresql.sql('postgres', "ALTER ROLE mandat1 VALID UNTIL 'infinity'"),
  },
  {
    name: 'silent',
    begin: () => {
      proxy.silent = true;
    },
    says: /it doesn't answer/,
    end: () => {
      proxy.silent = false;
    },
  },
  {
    name: 'its disk full',
    skip: !mounted,
    writesOnly: true,
    begin: async () => {
      const filler = path.join(disk, 'filler');
      for (const step of ['1M', '4K'])
        spawnSync('dd', ['if=/dev/zero', `of=${filler}`, `bs=${step}`, 'oflag=append', 'conv=notrunc']);
      // The log of writes has room that was made before.
      const fill = "SELECT pg_logical_emit_message(true, 'x', repeat('x', 500000))";
      for (
        let n = 0;
        n < 400 &&
        (await postgresql.sql('postgres', fill).then(
          () => true,
          () => false,
        ));
        n++
      );
    },
    says: /disk is full|can't be reached|was lost|can't go on/,
    end: async () => {
      await rm(path.join(disk, 'filler'), { force: true });
      const { pid } = postgresql;
      if (pid === undefined || !isAlive(pid)) await postgresql.start();
    },
  },
];

for (const { name, skip = false, writesOnly = false, begin, status = 5, says, end } of FAULTS) {
  t.test(name, { skip, timeout: LIMIT_MS }, async (t) => {
    const filter = filterPid();
    await begin();
    const began = { at: performance.now(), came: proxy.came };
    const people = Promise.all([
      alice.get('/'),
      asAlice('GET', '/delegations'),
      asAlice('POST', '/delegations', { delegate: at('carol') }),
      sent('bob', at('alice')),
      sent('bob', at('bob')),
      sent('carol', at('alice')),
    ]);
    let ended = await site.mandat('delegate', 'add', at(`n${rounds}`));
    for (let n = 0; n < 50 && ended.status === 0; n++)
      ended = await site.mandat('delegate', 'add', at(`n${rounds}-${n}`)); // what fits is written
    t.match(ended, { status, stderr: says });
    t.notMatch(ended?.stderr, /\n +at /);
    await waitFor('who has a delegation in force reads', LIMIT_MS, () => access('bob'), saidLast);
    t.ok(await mayUse('bob'), 'and sends');
    t.notOk((await access('carol')) || (await mayUse('carol')), 'nobody else');
    const [page, asked, granted, bobs, own, carols] = await people;
    if (!writesOnly) {
      t.match(page, { status: 503, body: /Réessayez dans un instant|administrateur/ });
      t.ok(Number(page.headers.get('retry-after')) > 0, 'and says when to come again');
      t.notMatch(page.body, at('bob'), 'nothing is shown that may not be so any more');
      t.match(asked, { status: 503, again: /^\d+$/ });
      t.same([bobs, own], [451, 451], 'the filter lets nobody through, and refuses nobody for good');
    }
    t.match(granted, { status: 503, again: /^\d+$/ }, granted.text);
    for (const { text } of [asked, granted])
      t.notMatch(text, /\n +at |ECONN|postgres:/, 'the particulars are for the log');
    t.not(Math.floor(carols / 100), 2);
    const [tried, seconds] = [proxy.came - began.came, (performance.now() - began.at) / 1000];
    t.ok(tried < 80 + 10 * seconds, `${tried} connections tried in ${seconds} s: no busy loop`);
    await end();
    rounds++;
    await waitFor(
      'a grant is obeyed',
      LIMIT_MS,
      async () => (await site.mandat('grant', at('alice'), at('carol'))).status === 0,
    );
    await waitFor('she has it', LIMIT_MS, () => access('carol'));
    await waitFor('the filter goes on', LIMIT_MS, async () => (await sent('bob', at('alice'))) === 250);
    t.equal(await sent('carol', at('alice')), 250);
    t.match(await alice.get('/'), { status: 200, body: at('carol') }, 'so does the portal, and its session');
    await done('revoke', at('alice'), at('carol'), '--yes');
    t.notOk((await access('carol')) || (await mayUse('carol')));
    t.equal(Math.floor((await sent('carol', at('alice'))) / 100), 5);
    t.ok(isAlive(sidecar.pid), 'the same sidecar');
    t.equal(filterPid(), filter, 'the same filter');
  });
}

t.test('each event is audited and noticed once', async (t) => {
  await site.settled();
  const count = (text: string, what: RegExp) => text.split('\n').filter((line) => what.test(line)).length;
  await waitFor(
    'the trail has all of it',
    LIMIT_MS,
    async () => count((await site.mandat('audit', 'export')).stdout, /"action":"ended"/) >= rounds,
  );
  const { stdout } = await site.mandat('audit', 'export');
  for (const action of ['grant', 'in-force', 'verified'])
    t.equal(count(stdout, new RegExp(`"action":"${action}".*${at('carol')}`)), rounds, action);
  for (const action of ['revoke', 'withdrawn', 'ended'])
    t.equal(count(stdout, new RegExp(`"action":"${action}".*${at('carol')}`)), rounds, action);
  await done('audit', 'verify');
  // One that PostgreSQL went away under comes again under its own Message-ID, by which a mail server knows it.
  const mails = () => [...new Map(sink.mails.map(({ parsed }) => [parsed.messageId, `${parsed.subject}`])).values()];
  const all = 2 * rounds + 1;
  await waitFor(
    'all mails',
    LIMIT_MS,
    () => mails().length >= all,
    () => JSON.stringify(mails()),
  );
  t.equal(mails().length, all, mails().join('; '));
  t.notOk(sidecar.log().some(({ level }) => level === 'fatal' || Number(level) >= 60));
});

t.test('asked to stop, it leaves in order', { timeout: 4 * LIMIT_MS }, async (t) => {
  const left = async (name: string, { log }: Pick<Running, 'log'>, status: number | null) => {
    const said = () => JSON.stringify(log().slice(-6));
    t.equal(status, 0, `${name}: ${said()}`);
    t.ok(
      log().some(({ msg }) => msg === 'stopped'),
      said(),
    );
    t.notOk(
      log().some(({ kept }) => kept !== undefined),
      'nothing had to be cut off',
    );
  };
  const released = async () =>
    (await postgresql.sql(last.database, 'SELECT released FROM mandat_private.workers')) === '1';

  proxy.silent = true;
  const silent = await sidecar.end('SIGTERM');
  proxy.silent = false;
  await left('PostgreSQL says nothing', sidecar, silent);

  const second = await site.run();
  await done('grant', at('alice'), at('carol'));
  await postgresql.halt();
  const away = await second.end('SIGTERM');
  await postgresql.start();
  await left('PostgreSQL is away', second, away);

  const fourth = await spawnRun(site.configFile);
  proxy.decide = (_sql, { bytes }) => {
    if (proxy.open && bytes.includes('"since":')) {
      proxy.open = false;
      proxy.cut();
    }
    return 'pass';
  };
  t.equal(await fourth.end('SIGCONT'), 5, 'PostgreSQL is lost in the midst of its start: it ends by itself');
  t.notOk(proxy.open);
  proxy.open = true;

  let asked = 0;
  const third = await spawnRun(site.configFile);
  const early = new Promise<number | null>((resolve) => {
    proxy.decide = () => {
      if (++asked === 10) resolve(third.end('SIGTERM'));
      return 'pass';
    };
  });
  const status = await early;
  proxy.decide = () => 'pass';
  await left('in the midst of its start', third, status);
  t.ok(await released(), 'whoever stands by need not wait');
});
