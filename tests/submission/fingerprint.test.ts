/** What counts as the same message, however it is cut. */
import fc from 'fast-check';
import t from 'tap';
import { fingerprinting, fingerprintOf } from '../../bridge/submission/fingerprint.ts';
import { LONGEST_HEADER } from '../../bridge/submission/header-block.ts';
import { type Lying, sorted } from '../../bridge/submission/twins.ts';

const CORE = 'From: <alice@x.test>\r\nSubject: a\r\n b\r\n';
const BODY = '\r\nBonjour\r\n\r\n.x\r\n';
const print = (message: string) => {
  const found = fingerprintOf(Buffer.from(message, 'latin1'));
  if (found === undefined) throw new Error('no fingerprint');
  return found;
};
const SENT = `Received: from a\r\n\tby b\r\n${CORE}${BODY}`;

t.test('Sender, Bcc and what is added on the way do not count, everything else does', async (t) => {
  const { content, signed } = print(SENT);
  for (const [message, why] of [
    [`${CORE}${BODY}`, 'before it was on its way'],
    [`Bcc: a@y.test,\r\n b@y.test\r\n${CORE}${BODY}`, 'Bcc, folded'],
    [`${CORE}bcc: a@y.test\r\nSENDER : <b@x.test>\r\n${BODY}`, 'in any case'],
    [`Return-Path: <a@x>\r\nX-Original-To: e@y\r\nDelivered-To: e@y\r\n${SENT}`, 'delivered'],
    [`${SENT}\r\n\r\n`, 'empty lines at the end'],
    [SENT.slice(0, -2), 'no line end at the end'],
  ] as const)
    t.equal(print(message).content, content, why);
  t.not(print(`Sender: <b@x.test>\r\n${SENT}`).signed, signed, 'with the Sender it is another one');
  t.equal(print(`${CORE}${BODY}`).signed, signed);
  for (const [message, why] of [
    [SENT.replace('Bonjour', 'Bonsoir'), 'another text'],
    [SENT.replace('Subject: a', 'Subject: A'), 'another subject'],
    [SENT.replace('From: ', 'from: '), 'octet by octet'],
    [SENT.replace('\r\n b', ' b'), 'folded otherwise'],
    [SENT.replace(CORE, `${CORE}X-A: b\r\n`), 'one field more'],
    [SENT.replace(CORE, `Sender-X: b\r\n${CORE}`), 'a name that only begins like one'],
    [SENT.replace('\r\n\r\n.x', '\r\n.x'), 'an empty line less within'],
    [SENT.replace(BODY, `${BODY}\r\n x`), 'something after empty lines'],
    [SENT.replace(BODY, `\r\nBcc: a\r\n${BODY}`), 'such a line in the body'],
    [`${CORE}`, 'no body'],
  ] as const)
    t.not(print(message).content, content, why);
  t.equal(print(SENT).received, true);
  t.equal(print(CORE).received, false);
  t.not(print(`${SENT}\r\n`).exact, print(SENT).exact, 'every octet');
});

t.test('it is the same however it is cut', async (t) => {
  const message = Buffer.from(`${SENT}${'\r\n'.repeat(40_000)}x\r\n\r\r\n\n\r\n`, 'latin1');
  const whole = fingerprintOf(message);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 400 }), (lengths) => {
      const part = fingerprinting();
      let at = 0;
      for (const length of lengths) {
        part.update(message.subarray(at, at + length));
        at += length;
      }
      part.update(message.subarray(at));
      t.same(part.end(), whole);
    }),
    { numRuns: 100 },
  );
  t.equal(
    fingerprintOf(Buffer.from(`X: ${'a'.repeat(2 * LONGEST_HEADER)}\r\n\r\nx\r\n`)),
    undefined,
    'no end of a header',
  );
});

t.test('what lies beside ours', async (t) => {
  const bySender = (sender: string, received = 'a') =>
    `Received: from ${received}\r\nSender: <${sender}>\r\n${CORE}${BODY}`;
  const ours = print(bySender('bob@x.test'));
  const byCarol = bySender('carol@x.test');
  const rows: readonly (readonly [string, 'ours' | 'twin' | 'other', string])[] = [
    [bySender('bob@x.test'), 'ours', 'every octet'],
    [bySender('bob@x.test', 'b'), 'ours', 'another part of the same sending'],
    [byCarol, 'other', 'what somebody else has sent, and we have stored'],
    [`${CORE}${BODY}`, 'twin', "the client's own"],
    [`Bcc: a@y.test\r\n${CORE}${BODY}`, 'twin', 'with its Bcc'],
    [`Sender: <bob@x.test>\r\n${CORE}${BODY}`, 'twin', 'it has never been on its way'],
    [`Sender: <alice@x.test>\r\n${CORE}${BODY}`, 'twin', 'with a Sender of its own'],
    [`From: "A" <alice@x.test>\r\nSubject: a\r\n b\r\n${BODY}`, 'twin', 'From as the client wrote it'],
    [`${CORE}${BODY}P.S.\r\n`, 'other', 'another text'],
  ];
  const submitted = print(`From: "A" <alice@x.test>\r\nSubject: a\r\n b\r\n${BODY}`).content;
  for (const [message, kind, why] of rows) {
    const lying: Lying = { uid: 7, print: print(message) };
    const found = await sorted([lying], { print: ours, submitted }, async (exact) => exact === print(byCarol).exact);
    t.same(found, { ours: kind === 'ours' ? lying : undefined, twins: kind === 'twin' ? [lying] : [] }, why);
  }
});
