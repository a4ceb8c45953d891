/**
 * Messages that were read as somebody else's, held the filter up, or were refused though nothing was wrong with them, through the filter
 * behind the real Postfix: what arrives, and what the client is told. R1, R31.
 */
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import t from 'tap';
import { openSenderMap } from '../../bridge/store/published/sender-map.ts';
import type { Seen } from '../../bridge/submission/message-outcome.ts';
import { type Submission, startSubmission } from '../../bridge/submission/service.ts';
import type { RawSmtp } from '../../config/lab/raw-smtp.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { pythonReads } from '../acl/python-reader.ts';
import { configOf } from './inside.ts';
import { at, type Site, startSite } from './site.ts';
import { submissionAs } from './submission.ts';

let site: Site;
let filter: Submission;
let session: RawSmtp;
const seen: Seen[] = [];
t.before(async () => {
  const users = ['alice', 'bob'] as const;
  site = await startSite({ users, chroot: false, filter: true, extraSubmission: 'sent_copy = "none"' });
  await site.register(...users);
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`);
  const map = openSenderMap(site.lab.senderDirectory);
  map.publish(
    1,
    users.map((name) => ({ address: at('alice'), login: at(name) })),
  );
  map.close();
  filter = await startSubmission(configOf(site), pino({ level: 'silent' }), { observe: (one) => void seen.push(one) });
  session = await submissionAs(site, 'bob');
});
t.teardown(async () => {
  session?.close();
  await filter?.close();
  await site?.stop();
});

const REST = 'To: <erin@elsewhere.test>\r\nSubject: case\r\nDate: Mon, 23 Nov 2026 08:00:00 +0000\r\n';
const BODY = 'From: is a word =?utf-8?q?here?= \r\n\tx\r\n';

/** What the client is told; and what has arrived, with its line ends as they were. In latin1. */
async function send(header: string) {
  const mark = `m${randomBytes(6).toString('hex')}`;
  const message = `${header}${REST}Message-ID: <${mark}@lab.test>\r\n\r\n${BODY}`;
  const answer = await session.sendMail(at('bob'), 'erin@elsewhere.test', message);
  if (answer.at !== 'accepted') return { answer, arrived: '' };
  const arrived = await waitFor(`${mark} has left`, 20_000, async () => {
    for (const name of await readdir(site.lab.outside).catch(() => [])) {
      const text = await readFile(path.join(site.lab.outside, name), 'latin1');
      if (text.includes(mark)) return text.replaceAll('\n', '\r\n');
    }
    return undefined;
  });
  return { answer, arrived };
}

const BOB = `<${at('bob')}>`;
const ALICE = `<${at('alice')}>`;
const EVIL = '<carol@evil.test>';
const NAME = /^5\.7\.1 the display name in From shows an address that is not the sender's$/;

t.test('who would be read as somebody else is refused, with the field and the reason', async (t) => {
  const rows: readonly (readonly [string, RegExp, string])[] = [
    [`From: "Carol\r\n <carol()@evil.test> (" ${BOB}\r\n`, NAME, 'f1: a fold within quotes'],
    [`From: "Alice\r\n ${ALICE} (" <bob(x)@lab.test>\r\nResent-From: ${EVIL}\r\n`, /in Resent-From/, 'f1, and more'],
    [`From: ${BOB}\r\nResent-From: "Carol\r\n <carol()@evil.test> (" ${BOB}\r\n`, /name in Resent-From/, 'f1, resent'],
    [`From: "carol()@evil.test" (y) "z" ${BOB}\r\n`, NAME, 'f2: a comment between quotes'],
    [`>From: ${EVIL}\r\nFrom: ${BOB}\r\n`, /^5\.6\.0 .*>from/, 'f3'],
    [`From: ${BOB}\r\n>Sender: ${EVIL}\r\n`, /^5\.6\.0 .*>sender/, 'f3, Sender'],
    [`From: ${BOB}\r\n>Resent-From: ${EVIL}\r\n`, /^5\.6\.0 .*>resent-from/, 'f3, Resent-From'],
    [`From: "\\"carol\\"@evil.test" ${BOB}\r\n`, NAME, 'f4: a quoted local part in a name'],
    [`From: =?utf-8?Q?=22carol=22=40evil.test?= ${BOB}\r\n`, NAME, 'f4, encoded'],
    ...['carol()', 'carol:', 'carol;', "carol'", 'carol>', 'carol\\'].map(
      (local) => [`From: ${`=?utf-8?B?${btoa(`${local}@evil.test`)}?=`} ${BOB}\r\n`, NAME, `f4: ${local}`] as const,
    ),
    [`From: =?utf-8?Q?Bob=00=00?= ${BOB}\r\n`, /^5\.6\.0 .*From: it holds control characters/, 'f5b: NUL, encoded'],
    [`From: =?utf-8?Q?Bob=0D=0AX=3A_y?= ${BOB}\r\n`, /From: it holds control characters/, 'f5: CR LF, encoded'],
    [
      `From: =?utf-8?B?${Buffer.from('\u202ebob').toString('base64')}?= ${BOB}\r\n`,
      /control/,
      'f5: direction, encoded',
    ],
    [`From: ${BOB}\r\nResent-Sender: ${EVIL}\r\n`, /^5\.7\.1 <carol@evil\.test>: .*\(in Resent-Sender\)/, 'resent'],
    [`From: ${BOB}\r\nAuthor: ${EVIL}\r\n`, /^5\.7\.1 <carol@evil\.test>: .*\(in Author\)/, 'RFC 9057'],
    [`From: ${BOB}\r\nFrom: ${EVIL}\r\n`, /2 From lines/, 'two'],
  ];
  for (const [header, text, why] of rows) {
    const { answer } = await send(header);
    t.match(answer, { at: 'DATA', code: 550, text }, why);
  }
});

t.test('what is too much to be read is refused for good, and holds nobody up', async (t) => {
  const long = 'a'.repeat(32_000);
  for (const [header, text, why] of [
    [`From: "${long}" ${BOB}\r\n`, /From is longer than 10000 bytes/, 'f0'],
    [`From: ${BOB}\r\nSender: "${long}" ${BOB}\r\n`, /Sender is longer/, 'in Sender'],
    [`From: ${'=?utf-8?q?a?=\r\n '.repeat(24_500)}${BOB}\r\n`, /longer/, 'encoded words'],
    [`From: ${`${BOB},\r\n `.repeat(20_000)}${BOB}\r\n`, /longer|header/, 'addresses'],
    [`From: ${'\r\n '.repeat(30_000)}${BOB}\r\n`, /^5\.6\.0/, 'empty folds'],
    [`From: ${BOB}\r\n${`Resent-From: ${BOB}\r\n`.repeat(10_000)}`, /more than 100 fields/, 'resent'],
  ] as const) {
    const { answer } = await send(header);
    t.match(answer, { at: 'DATA', code: 550, text }, why);
  }
});

t.test('what is right passes, in its plain form; body and all other fields as they came', async (t) => {
  const rows: readonly (readonly [string, string, string])[] = [
    [`. ${BOB}`, `"." ${BOB}`, 'f6'],
    [`${at('bob')} ${BOB}`, `"${at('bob')}" ${BOB}`, 'people without a name'],
    [`"${at('bob')}" ${BOB}`, `"${at('bob')}" ${BOB}`, 'in quotes'],
    [`"Bob @ Acme" ${BOB}`, `"Bob @ Acme" ${BOB}`, 'an at sign'],
    [`24h/24 @ CHU ${BOB}`, `"24h/24 @ CHU" ${BOB}`, 'without quotes'],
    [`=?cp850?Q?B=94b?= ${BOB}`, BOB, 'a charset that nobody knows'],
    [`Pete(A nice \\) chap) ${BOB}`, `Pete ${BOB}`, 'a quoted pair in a comment'],
    [`Pete(A (nested) chap) <bob(his account)@lab.test(his host)>`, `Pete ${BOB}`, 'RFC 5322 A.5'],
    [`Élodie Müller ${BOB}`, `=?utf-8?Q?=C3=89lodie_M=C3=BCller?= ${BOB}`, 'raw UTF-8, unannounced'],
    [`"Dr,\r\n Bob" ${BOB}`, `"Dr, Bob" ${BOB}`, 'a fold within quotes'],
    [`"Dr, Bob" ${BOB}`, `"Dr, Bob" ${BOB}`, 'as most programs write it'],
    [`=?iso-8859-1?Q?M=FCller?= ${BOB}`, `=?iso-8859-1?Q?M=FCller?= ${BOB}`, 'encoded, as most write it'],
  ];
  const left: Buffer[] = [];
  for (const [from, plain, why] of rows) {
    const { answer, arrived } = await send(`X-Odd:\t "a\r\n b" (c) \r\nFrom: ${from}\r\nReply-To: x (y) ${EVIL}\r\n`);
    t.equal(answer.code, 250, `${why}: ${answer.text}`);
    const kept = `\r\nX-Odd:\t "a\r\n b" (c) \r\nFrom: ${plain}\r\nReply-To: x (y) ${EVIL}\r\n${REST}`;
    t.ok(arrived.includes(kept), `${why}, left as ${plain}`);
    t.ok(arrived.endsWith(`\r\n\r\n${BODY}`), `${why}, the body`);
    left.push(Buffer.from(arrived.slice(arrived.indexOf('\r\nReceived:') + 2), 'latin1'));
  }
  const readings = pythonReads(left);
  for (const [index, [, , why]] of rows.entries()) {
    if (readings === undefined) break;
    t.match(readings[index], { compat32: { from: [at('bob')] }, default: { from: [at('bob')] } }, `${why}, by Python`);
  }
});

t.test("an owner's address as a name: passes with both named, and is recorded as the owner's", async (t) => {
  for (const header of [`From: "${at('alice')}" ${BOB}\r\n`, `From: ${BOB}\r\nAuthor: ${ALICE}\r\n`]) {
    const { answer, arrived } = await send(header);
    t.equal(answer.code, 250, answer.text);
    t.match(arrived, `\r\nSender: ${BOB}\r\n`);
    t.match(seen.at(-1), { verdict: 'pass', owners: [at('alice')] });
  }
  const { arrived } = await send(`From: "${at('bob')}" ${BOB}\r\n`);
  t.notMatch(arrived, /^Sender:/m, 'their own');
  t.same(seen.at(-1)?.owners, []);
});
