/** The submission filter behind the real Postfix: who is named to the recipient, who is refused, what comes through untouched. R1, R31. */
import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import t from 'tap';
import { examine } from '../../bridge/doctor/examine.ts';
import { openSubject } from '../../bridge/doctor/examined-site.ts';
import { filterInPostfix, reinjection, submissionFilter } from '../../bridge/doctor/filter.ts';
import type { Check, Status } from '../../bridge/doctor/finding.ts';
import { openSenderMap } from '../../bridge/store/published/sender-map.ts';
import type { Seen } from '../../bridge/submission/message-outcome.ts';
import { type Submission, startSubmission } from '../../bridge/submission/service.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import type { RawSmtp } from '../../config/lab/raw-smtp.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { loadConfig } from '../../config/load.ts';
import { type Mend, postfixDirectory, rewritten } from '../doctor/breakage.ts';
import { at, type Site, startSite } from './site.ts';
import { submissionAs } from './submission.ts';

let site: Site;
let filter: Submission;
const seen: Seen[] = [];
let extra: readonly string[] = [];

t.before(async () => {
  site = await startSite({
    users: ['alice', 'bob', 'carol'],
    chroot: false,
    filter: true,
    extraSubmission: 'sent_copy = "none"',
  });
  await site.register('alice', 'bob');
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`);
  const map = openSenderMap(site.lab.senderDirectory); // what a sidecar publishes
  map.publish(
    1,
    [at('alice'), at('bob')].map((login) => ({ address: at('alice'), login })),
  );
  map.close();
  const config = loadConfig({ path: site.configFile, env: {}, cwd: '/' });
  const log = pino({ level: 'silent' });
  filter = await startSubmission(config, log, {
    observe: (one) => void seen.push(one),
    extraRecipients: async () => extra,
  });
});
t.teardown(async () => {
  await filter?.close();
  await site?.stop();
});

const sessions: RawSmtp[] = [];
t.afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
});

async function as(name: string): Promise<RawSmtp> {
  const session = await submissionAs(site, name);
  sessions.push(session);
  return session;
}

let count = 0;
const OUT = 'patient@elsewhere.test';
/** Sends, and gives the answer and what arrived, in latin1. */
async function send(name: string, from: string, header: string, body = 'Bonjour\r\n') {
  const mark = `m${process.pid}-${count++}`;
  const session = await as(name);
  const answer = await session.sendMail(from, OUT, `${header}Message-ID: <${mark}@lab.test>\r\n\r\n${body}`);
  if (answer.at !== 'accepted') return { answer, text: '' };
  let text = '';
  await waitFor(`message ${mark}`, 20_000, async () => {
    for (const name of await readdir(site.lab.outside).catch(() => [])) {
      const read = await readFile(path.join(site.lab.outside, name), 'latin1');
      if (read.includes(mark)) text = read;
    }
    return text !== '';
  });
  return { answer, text };
}

t.test('on behalf of an owner: From is the owner, Sender the delegate, the login is hidden', async (t) => {
  const { answer, text } = await send(
    'bob',
    at('alice'),
    `From: Dr Alice <${at('alice')}>\r\nSender: <ceo@x.test>\r\n`,
  );
  t.equal(answer.code, 250, answer.text);
  t.match(text, `From: Dr Alice <${at('alice')}>`);
  t.match(text, `Sender: <${at('bob')}>`);
  t.notMatch(text, 'ceo@x.test', 'the false Sender is gone');
  t.notMatch(text, 'Authenticated sender');
  t.match(seen.at(-1), {
    login: at('bob'),
    owners: [at('alice')],
    verdict: 'pass',
    recipients: 1,
    domains: ['elsewhere.test'],
  });
});

t.test('what a delegation says of it goes before the site, from the next message on', async (t) => {
  const header = `From: <${at('alice')}>\r\n`;
  t.match(await site.mandat('send-mode', at('alice'), at('bob'), 'send-as'), { status: 0, stdout: /sends send-as/ });
  const alone = await send('bob', at('alice'), header);
  t.equal(alone.answer.code, 250, alone.answer.text);
  t.notMatch(alone.text, /^Sender:/m, 'the owner alone');
  t.match(seen.at(-1), { login: at('bob'), owners: [at('alice')], verdict: 'pass' }, 'and recorded as ever');
  await site.sql("UPDATE delegation SET send_mode = 'on-behalf'");
  t.match((await send('bob', at('alice'), header)).text, `Sender: <${at('bob')}>`, 'both, by the sqlite3 shell');
  t.match(await site.mandat('send-mode', at('alice'), at('bob'), 'site'), { status: 0, stdout: /as the site has it/ });
  t.match((await send('bob', at('alice'), header)).text, `Sender: <${at('bob')}>`, 'as the site has it');
});

t.test('a receipt, from nobody in the envelope: the header decides', async (t) => {
  const receipt = await send('bob', '', `From: <${at('alice')}>\r\n`);
  t.equal(receipt.answer.code, 250, receipt.answer.text);
  t.match(receipt.text, /^Return-Path: <>/m);
  t.match(receipt.text, `Sender: <${at('bob')}>`);
  t.equal((await send('bob', '', 'From: <ceo@elsewhere.test>\r\n')).answer.code, 550);
});

t.test('as oneself: nothing is added', async (t) => {
  const { answer, text } = await send('bob', at('bob'), `From: <${at('bob')}>\r\nX-MSS-NIL: 1\r\n`);
  t.equal(answer.code, 250, answer.text);
  t.notMatch(text, /^Sender:/m);
  t.match(text, 'X-MSS-NIL: 1');
});

t.test('a forged From is refused with address and login; so is a revoked owner at once', async (t) => {
  const { answer } = await send('bob', at('bob'), `From: <ceo@elsewhere.test>\r\n`);
  t.match(answer, {
    at: 'DATA',
    code: 550,
    text: `5.7.1 <ceo@elsewhere.test>: ${at('bob')} may not send as this address (in From)`,
  });
  t.match(seen.at(-1), { login: at('bob'), owners: [], verdict: 'refuse' });
  t.equal(
    (await send('carol', at('carol'), `From: <${at('alice')}>\r\n`)).answer.code,
    550,
    'nobody delegated to carol',
  );
  await site.sql(`DELETE FROM delegation WHERE delegate = '${at('bob')}'`);
  t.equal(
    (await send('bob', at('bob'), `From: <${at('alice')}>\r\n`)).answer.code,
    550,
    'nothing has been published meanwhile',
  );
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`);
});

t.test('a client that continues Postfix’s Received line is refused', async (t) => {
  const { answer } = await send(
    'bob',
    at('bob'),
    `\t(Authenticated sender: ${at('alice')})\r\nFrom: <${at('alice')}>\r\n`,
  );
  t.equal(answer.at, 'DATA');
  t.not(answer.code, 250);
  const forged = `Received: from x (x [1.2.3.4])\r\n\t(Authenticated sender: ${at('alice')})\r\n\tby mx; Mon, 23 Nov 2026 08:00:00 +0000 (UTC)\r\n`;
  t.equal((await send('carol', at('carol'), `${forged}From: <${at('alice')}>\r\n`)).answer.code, 550);
});

t.test('the body arrives byte for byte: dots, 8-bit, long lines', async (t) => {
  const body = `.\r\n..\r\n.dot\r\n${'x'.repeat(900)}\r\n caf\u00e9 \r\n\tend\r\n`;
  const { answer, text } = await send('bob', at('bob'), `From: <${at('bob')}>\r\n`, body);
  t.equal(answer.code, 250, answer.text);
  const arrived = Buffer.from(text.slice(text.indexOf('\n\n') + 2), 'latin1').toString('utf8');
  t.equal(arrived, body.replaceAll('\r\n', '\n'));
});

t.test('extra recipients get it too, and are not in it', async (t) => {
  extra = [at('carol')];
  const { text } = await send('bob', at('bob'), `From: <${at('bob')}>\r\nTo: <${OUT}>\r\nSubject: extra\r\n`);
  extra = [];
  t.notMatch(text, at('carol'));
  const carol = await site.login('carol');
  await waitFor('the extra copy', 20_000, async () => {
    await carol.command('SELECT INBOX');
    return (await carol.command('SEARCH SUBJECT "extra"')).lines.some((line) => /^\* SEARCH \d/.test(line));
  });
  carol.close();
});

t.test(
  'the doctor: the filter answers, Postfix uses it, and the port behind it is open to every user here',
  async (t) => {
    const config = loadConfig({ path: site.configFile, env: {}, cwd: '/' });
    const options = { postfixConfig: path.join(site.lab.directory, 'postfix/conf') };
    const lines = await examine(config, {}, options);
    const found = (name: string) => lines.find(({ check }) => check === name);
    t.match(found('submission filter'), { status: 'ok' });
    t.match(found('filter in Postfix'), { status: 'ok' });
    t.match(
      found('re-injection port'),
      { status: 'fail', remedy: 'config/nftables/mandat.nft' },
      'the lab has no firewall',
    );
  },
);

t.test('a chrooted service, which the doctor warns of, answers every submission with 451', async (t) => {
  const mend = await rewritten(path.join(postfixDirectory(site), 'master.cf'), (text) =>
    text.replace(/^(127\S+ +inet +n +- +)n(.*\n {2}-o syslog_name)/m, '$1y$2'),
  );
  const restart = async () => {
    await site.lab.stopPostfix();
    await site.lab.startPostfix();
  };
  await restart();
  t.teardown(async () => {
    await mend();
    await restart();
  });
  const session = await as('bob');
  t.match(await session.sendMail(at('bob'), OUT, `From: <${at('bob')}>\r\n\r\nx\r\n`), { code: 451 });
  const options = { postfixConfig: postfixDirectory(site) };
  const lines = await examine(loadConfig({ path: site.configFile, env: {}, cwd: '/' }), {}, options);
  t.match(
    lines.find(({ check }) => check === 'filter in Postfix'),
    { status: 'fail', remedy: /fifth column/ },
  );
});

t.test('the doctor: what is wrong with the filter, and with the way to it', async (t) => {
  const config = loadConfig({ path: site.configFile, env: {}, cwd: '/' });
  const socket = path.join(site.lab.directory, 'run/filter.sock');
  const inMaster = (from: string | RegExp, to: string) => () =>
    rewritten(path.join(postfixDirectory(site), 'master.cf'), (text) => text.replace(from, to));
  const nothing = async () => () => {};
  const { port } = site.lab.reinject;
  const listening = (listen: string) => ({ submission: { ...config.submission, listen } as typeof config.submission });
  const hides = execFileSync('postconf', ['-d'], { encoding: 'utf8' }).includes('smtpd_hide_client_session');
  /** In main.cf, and nothing said in master.cf. */
  const hiddenInMain = async () => {
    const mends = [
      await inMaster(/^ *-o smtpd_hide_client_session=no\n/gm, '')(),
      await rewritten(
        path.join(postfixDirectory(site), 'main.cf'),
        (text) => `${text}\nsmtpd_hide_client_session = Yes\n`,
      ),
    ];
    return async () => {
      for (const mend of mends.reverse()) await mend();
    };
  };
  const jailed = inMaster(/^(127\S+ +inet +n +- +)n(.*\n {2}-o syslog_name)/m, '$1y$2');
  const rows: readonly {
    readonly check: Check;
    readonly breaks?: () => Promise<Mend>;
    readonly change?: Partial<typeof config>;
    readonly status: Status;
    readonly seen: RegExp;
  }[] = [
    { check: submissionFilter, status: 'ok', seen: /^it answers on .*filter\.sock$/ },
    {
      check: filterInPostfix,
      breaks: jailed,
      status: 'fail',
      seen: /is chrooted to .*: it can't reach .*filter\.sock, and every submission is answered 451/,
    },
    { check: submissionFilter, change: listening(`${socket}.none`), status: 'fail', seen: /^nothing answers on/ },
    {
      check: submissionFilter,
      change: listening(`127.0.0.1:${port}`),
      status: 'fail',
      seen: /^another program answers on 127/,
    },
    { check: filterInPostfix, status: 'ok', seen: /^every service where users log in/ },
    {
      check: filterInPostfix,
      breaks: inMaster(/-o smtpd_proxy_filter=unix:.*/g, '-o smtpd_proxy_filter='),
      status: 'fail',
      seen: /hands its messages to no filter$/,
    },
    {
      check: filterInPostfix,
      breaks: inMaster(/unix:\S*filter\.sock/g, 'unix:/tmp/elsewhere.sock'),
      status: 'fail',
      seen: /hands its messages to \/tmp\/elsewhere\.sock, and the filter listens on .*run\/filter\.sock$/,
    },
    {
      check: filterInPostfix,
      breaks: inMaster(/^(\S+\s+inet\s+n\s+-\s+)n(\s.*smtpd)$/gm, '$1y$2'),
      status: 'fail',
      seen: /is chrooted to .*: it can't reach .*filter\.sock,/,
    },
    {
      check: filterInPostfix,
      breaks: inMaster(/smtpd_sasl_authenticated_header=yes/g, 'smtpd_sasl_authenticated_header=no'),
      status: 'fail',
      seen: /does not tell the filter who has logged in$/,
    },
    {
      check: filterInPostfix,
      breaks: inMaster(/-o smtpd_hide_client_session=no/g, '-o smtpd_hide_client_session=yes'),
      status: 'fail',
      seen: /keeps who has logged in out of the Received field/,
    },
    {
      check: filterInPostfix,
      breaks: hiddenInMain,
      // Before 3.10 Postfix has no such setting, and goes by none.
      ...(hides
        ? { status: 'fail', seen: /keeps who has logged in out of the Received field/ }
        : { status: 'ok', seen: /hands its/ }),
    },
    {
      check: filterInPostfix,
      breaks: inMaster(/-o smtpd_sasl_authenticated_header=yes/g, '-o smtpd_hide_client_session=yes\n  $&'),
      status: 'ok',
      seen: /every service where users log in/,
    },
    {
      check: filterInPostfix,
      breaks: inMaster(/smtpd_forbid_bare_newline=normalize/g, 'smtpd_forbid_bare_newline=no'),
      status: 'warn',
      seen: /a bare LF ends a message too/,
    },
    {
      check: reinjection,
      breaks: inMaster(`127.0.0.1:${port} `, `0.0.0.0:${port} `),
      status: 'fail',
      seen: /0\.0\.0\.0:\d+ is open to other machines$/,
    },
  ];
  for (const { check, breaks = nothing, change, status, seen } of rows) {
    const mend = await breaks();
    const subject = openSubject({ ...config, ...change }, {}, { postfixConfig: postfixDirectory(site) });
    const found = await check.look(subject);
    await subject.close();
    await mend();
    t.match(found, { status, seen }, `${check.name}: ${seen}`);
    if (status !== 'ok') t.match(found, { remedy: /./ });
  }
  const { ports, release } = await reservePorts(1);
  t.teardown(release);
  const open = { ...config, ...listening(`127.0.0.1:${ports[0]}`) };
  const other = await startSubmission(open, pino({ level: 'silent' }));
  const subject = openSubject(open, {}, {});
  const found = await submissionFilter.look(subject);
  await subject.close();
  await other.close();
  t.match(found, { status: 'warn', seen: /every user of this machine may claim any login/, remedy: /Unix socket/ });
});

t.test('no filter: 451, and the client keeps it', async (t) => {
  await filter.close();
  const { answer } = await send('bob', at('bob'), `From: <${at('bob')}>\r\n`);
  t.equal(answer.code, 451, answer.text);
});
