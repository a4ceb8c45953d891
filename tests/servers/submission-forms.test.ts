/** What Postfix takes, it takes with the filter behind it: every answer, and what arrives, with the filter and without. And in no form does a sender pass for somebody else. R31. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { openSenderMap } from '../../bridge/store/published/sender-map.ts';
import { type Submission, startSubmission } from '../../bridge/submission/service.ts';
import { readFragment } from '../../config/lab/fragment.ts';
import type { Address } from '../../config/lab/lab.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import { connectSmtp } from '../../config/lab/raw-smtp.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { configOf } from './inside.ts';
import { at, password, type Site, startSite } from './site.ts';

const LIMIT_MS = 30_000;
const ALICE = at('alice');
const BOB = at('bob');
const CAROL = at('carol');

let site: Site;
let filter: Submission;
/** Beside the submission service: one without the filter, and one that asks nobody whose address they use, so that the filter is alone. */
let unfiltered: Address;
let unasked: Address;

t.before(async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-forms-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const { ports, release } = await reservePorts(2);
  t.teardown(release);
  const on = (port = 0) => ({ host: '127.0.0.1', port });
  unfiltered = on(ports[0]);
  unasked = on(ports[1]);
  const rules = await readFragment('postfix/master.cf.fragment');
  const handed = await readFragment('postfix/submission.cf.fragment', {
    '/run/mandat/filter.sock': `${directory}/run/filter.sock`,
  });
  const service = ({ port }: Address, options: string) =>
    `127.0.0.1:${port} inet n - n - - smtpd\n${rules}\n${options}\n`;
  site = await startSite({
    directory,
    users: ['alice', 'bob', 'carol'],
    chroot: false,
    filter: true,
    extraSubmission: 'sent_copy = "none"',
    // Everything leaves, to where it can be read; a name without a domain is one of the site's; UTF-8 is offered.
    extraMain: 'virtual_mailbox_domains =\nmyorigin = lab.test\nsmtputf8_enable = yes',
    extraMaster: service(unfiltered, '') + service(unasked, `${handed}\n  -o smtpd_sender_restrictions=`),
  });
  await site.register('alice', 'bob');
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${ALICE}', '${BOB}')`);
  const map = openSenderMap(site.lab.senderDirectory);
  map.publish(
    1,
    [ALICE, BOB].map((login) => ({ address: ALICE, login })),
  );
  map.close();
  filter = await startSubmission(configOf(site), pino({ level: 'silent' }));
});
t.teardown(async () => {
  await filter?.close();
  await site?.stop();
});

/** Commands in latin1, one character an octet. */
interface Form {
  readonly ehlo?: string;
  readonly mail?: string;
  readonly rcpt?: string;
}

const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

interface Sent {
  readonly mark: string;
  readonly answers: readonly string[];
  readonly taken: boolean;
}

let count = 0;
/** One message in a session of its own, up to the first refusal. */
async function send(
  to: Address,
  name: string,
  { ehlo = 'EHLO c', mail, rcpt = 'RCPT TO:<erin@y.test>' }: Form,
): Promise<Sent> {
  const mark = `m${process.pid}-${count++}`;
  const session = await connectSmtp(to);
  const answers: string[] = [];
  const says = async (line: string, good: number) => {
    const { code, text } = await session.dataBytes(Buffer.from(`${line}\r\n`, 'latin1'));
    answers.push(`${code} ${text.replace(/queued as \w+/, 'queued')}`);
    return code === good;
  };
  const plain = Buffer.from(`\0${at(name)}\0${password(name)}`).toString('base64');
  const letter = `From: <${at(name)}>\r\nMessage-ID: <${mark}@lab.test>\r\n\r\nx\r\n.`;
  const from = mail ?? `MAIL FROM:<${at(name)}>`;
  try {
    if (ehlo !== '') await says(ehlo, 250); // who is refused here may go on all the same
    for (const [line, good] of [
      [`AUTH PLAIN ${plain}`, 235],
      [from, 250],
      [rcpt, 250],
      ['DATA', 354],
      [letter, 250],
    ] as const)
      if (!(await says(line, good))) return { mark, answers, taken: false };
    return { mark, answers, taken: true };
  } finally {
    session.close();
  }
}

/** As it lies in the mailbox that stands for the world, without the lines of the hops. */
async function arrived({ mark }: Sent): Promise<string> {
  return waitFor(`${mark} has left`, LIMIT_MS, async () => {
    for (const name of await readdir(site.lab.outside).catch(() => [])) {
      const text = await readFile(path.join(site.lab.outside, name), 'latin1');
      if (!text.includes(mark) || text.includes('multipart/report')) continue;
      const own = text.replace(/^Received:.*\n(?:[ \t].*\n)*/gm, '').replace(/^(?:Date|Delivered-To):.*\n/gm, '');
      return own.replaceAll(mark, 'MARK');
    }
    return undefined;
  });
}

async function compare(t: Test, forms: readonly Form[], taken = true) {
  for (const form of forms) {
    const what = JSON.stringify(form);
    const alone = await send(unfiltered, 'bob', form);
    const filtered = await send(site.lab.submission, 'bob', form);
    t.same(filtered.answers, alone.answers, `${what}: the answers`);
    t.equal(alone.taken, taken, `${what}: ${alone.answers.at(-1)}`);
    if (alone.taken && filtered.taken) t.equal(await arrived(filtered), await arrived(alone), `${what}: what arrives`);
  }
}

t.test('names that a client gives itself', (t) =>
  compare(
    t,
    [
      utf8('EHLO MÜLLER-PC'),
      'EHLO M\xdcLLER-PC', // Latin-1
      utf8('EHLO Дмитрий-ПК'),
      'EHLO Дмитрий'.replace(/[^ -~]/g, '\xc4'),
      'EHLO a=b',
      'EHLO a=b=c+d',
      'EHLO two words',
      'EHLO a(b)c<d>"e";f',
      'EHLO [192.0.2.1]',
      'EHLO [IPv6:2001:db8::1]',
      'EHLO [UNAVAILABLE]',
      'EHLO a\x01b\tc',
      `EHLO ${'x'.repeat(900)}`,
      `EHLO ${utf8('ü'.repeat(400))}`,
      'HELO c',
      'HELO',
      'EHLO',
      '',
    ].map((ehlo) => ({ ehlo })),
  ),
);

t.test('recipients', (t) =>
  compare(
    t,
    [
      '<"erin erin"@y.test>',
      '<"a@b"@y.test>',
      '<"q\\"x"@y.test>',
      '<"a>b"@y.test>',
      '<"<x"@y.test>',
      '<"a"."b"@y.test>',
      '<a."b c"@y.test>',
      '<"a=b"@y.test> NOTIFY=SUCCESS',
      '<"a\tb"@y.test>',
      '<"a\x01b"@y.test>',
      '<"a\x7fb"@y.test>',
      '<""@y.test>',
      '<a\\@b@y.test>',
      '<erin>',
      'erin',
      'erin@y.test',
      '"erin erin"@y.test',
      'erin@y.test>',
      '<<erin@y.test>>',
      '<postmaster>',
      '<erin@y.test.>',
      '<@relay.test:erin@y.test>',
      '<@relay.test,@other.test:erin@y.test>',
      ' <erin@y.test>',
      '   <erin@y.test>   NOTIFY=NEVER  ',
      '\t<erin@y.test>',
      '<erin @y.test>',
      '<erin(at home)@y.test>',
      '<list:erin@y.test;>',
      '<@y.test>',
      '<a@b@y.test>',
      '<y.test!erin>',
      '<erin%y.test>',
      '<a%b@y.test>',
      '<.a..b.@y.test>',
      '<erin@[192.0.2.3]>',
      '<erin@[IPv6:2001:db8::1]>',
      '<erin@y_z.test>',
      '<Erin@Y.TEST>',
      utf8('<é@y.test>'),
      '<erin@xn--bcher-kva.test>',
      '<erin@y.test> ORCPT=rfc822;erin+40y.test NOTIFY=FAILURE,DELAY',
      `<${'x'.repeat(300)}@y.test>`,
    ].map((to) => ({ rcpt: `RCPT TO:${to}` })),
  ),
);

t.test('senders', (t) =>
  compare(
    t,
    [
      '<>',
      '<> SIZE=100',
      '<"">',
      `<"bob"@lab.test>`,
      `<"b\\ob"@lab.test>`,
      `<b\\ob@lab.test>`,
      '<bob>',
      'bob',
      '<"bob">',
      BOB,
      `${BOB} SIZE=100 BODY=8BITMIME`,
      '<bob@lab.test.>',
      '<@relay.test:bob@lab.test>',
      '<@relay.test,@other.test:bob@lab.test>',
      ` <${BOB}>`,
      `\t<${BOB}>\tSIZE=100`,
      '<bob @lab.test>',
      '< bob@lab.test >',
      '<<bob@lab.test>>',
      '<x:bob@lab.test;>',
      'bob@lab.test>',
      '<bob@ lab.test>',
      '<(c)bob@lab.test>',
      '<bob@lab.test (Bob (the first))>',
      '<BOB@LAB.test>',
      '<bob+x@lab.test>',
      `<${BOB}> AUTH=<>`,
      `<${BOB}> AUTH=bob+40lab.test SIZE=99`,
      `<${BOB}> ENVID=a+20b RET=HDRS`,
      `<${BOB}> BODY=8BITMIME SMTPUTF8`,
      `<${BOB}> smtputf8 body=7bit`,
      '<alice>',
      `<"alice"@lab.test.>`,
    ].map((from) => ({ mail: `MAIL FROM:${from}` })),
  ),
);

t.test('commands', (t) =>
  compare(t, [
    { mail: `mail from:<${BOB}>`, rcpt: 'Rcpt To:<erin@y.test>' },
    { mail: `MAIL  FROM:<${BOB}>`, rcpt: 'RCPT  TO:<erin@y.test>' },
    { mail: `MAIL\tFROM:<${BOB}>`, rcpt: 'RCPT\t TO:<erin@y.test>' },
    { mail: ` MAIL FROM:<${BOB}>`, rcpt: '\tRCPT TO:<erin@y.test> ' },
    { mail: `MAIL FROM:<${BOB}> SMTPUTF8`, rcpt: utf8('RCPT TO:<Zoë@bücher.test>') },
  ]),
);

t.test('what Postfix refuses stays refused, in its words', (t) =>
  compare(
    t,
    [
      { mail: `MAIL FROM:<${CAROL}>` },
      { mail: 'MAIL FROM:<carol>' },
      { mail: `MAIL FROM:<"carol"@lab.test>` },
      { mail: `MAIL FROM:<@lab.test:${CAROL}>` },
      { mail: `MAIL FROM:<${BOB}> FOO=bar` },
      { mail: `MAIL FROM:Bob <${BOB}>` },
      { mail: 'MAIL FROM:<"bob+x y"@lab.test>' },
      { rcpt: utf8('RCPT TO:<erin@bücher.test>') },
      { rcpt: 'RCPT TO:<>' },
      { rcpt: 'RCPT TO:<a b@y.test>' },
      { rcpt: 'RCPT TO:<a@y.test' },
    ],
    false,
  ),
);

/** Where Postfix asks nobody, the filter decides alone. */
t.test('in no form may a stranger use an address', async (t) => {
  const forms = (name: string) => [
    `<${name}@lab.test>`,
    `${name}@lab.test`,
    `<"${name}"@lab.test>`,
    `"${name}"@lab.test`,
    `<\\${name}@lab.test>`,
    `<"\\${name}"@lab.test>`,
    `<${name}@lab.test.>`,
    `<${name}@LAB.TEST>`,
    `<${name.toUpperCase()}@lab.test>`,
    `<@lab.test:${name}@lab.test>`,
    `<@${CAROL.slice(6)}:${name}@lab.test>`,
    `<carol@lab.test:${name}@lab.test>`,
    `<carol@lab.test,${name}@lab.test>`,
    `<${name}@lab.test,carol@lab.test>`,
    `<${name}@lab.test(carol@lab.test)>`,
    `<(carol@lab.test)${name}@lab.test>`,
    `<carol(@lab.test)@lab.test,${name}@lab.test>`,
    `<"carol@lab.test>"${name}@lab.test>`,
    `<${name}>`,
    name,
    `<"${name}@lab.test">`,
    `<lab.test!${name}>`,
    `<${name}%lab.test>`,
    `<${name}%lab.test@lab.test>`,
    `<${name} @lab.test>`,
    `< ${name}@lab.test>`,
    `<${name}@(carol@)lab.test>`,
    `<<${name}@lab.test>>`,
    `<${name}@lab.test> <carol@lab.test>`,
    `<carol@lab.test> <${name}@lab.test>`,
    `<x:${name}@lab.test;>`,
    `<carol:${name}@lab.test;carol@lab.test>`,
    `<${name}+x@lab.test>`,
    `<"${name}+x"@lab.test>`,
    utf8(`<${name}@ｌab.test>`),
    utf8(`<${name}@lab。test>`),
    `<${name}@lab.test>SIZE=1`,
    `<carol+x%${name}@lab.test>`,
    `<"carol@lab.test"${name}@lab.test>`,
  ];
  const strangers = [...forms('alice'), ...forms('bob')];
  for (const from of strangers) {
    const sent = await send(unasked, 'carol', { mail: `MAIL FROM:${from}` });
    if (!sent.taken) {
      t.match(sent.answers.at(-1), /^5\d\d 5\./, `${from}: ${sent.answers.at(-1)}`);
      continue;
    }
    const [, path] = /^Return-Path: <(.*)>$/m.exec(await arrived(sent)) ?? [];
    t.match(path, /^carol(?:\+[^@]*)?@lab\.test$/, `${from} became <${path}>`);
  }
  const own = await send(unasked, 'carol', { mail: `MAIL FROM:<"carol"@lab.test>` });
  t.match(await arrived(own), `Return-Path: <${CAROL}>`, 'and she may use her own');
});
