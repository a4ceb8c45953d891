/** Who is meant by a sender, in every form that Postfix takes, and which command goes on for it. */
import fc from 'fast-check';
import t from 'tap';
import { mailFor, readMail, readRecipient, saysUtf8, senderOf } from '../../bridge/submission/envelope.ts';
import { pathTo, readPath } from '../../bridge/submission/smtp-path.ts';

const LOGIN = 'bob@x.test';
const octets = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

/** What stands after MAIL FROM:, who it is, and what goes on where that isn't the same. */
const SENDERS: readonly (readonly [said: string, address: string | undefined, handedBack?: string])[] = [
  ['<bob@x.test>', 'bob@x.test'],
  [' <bob@x.test>', 'bob@x.test'],
  ['<bob@x.test>  SIZE=1  ', 'bob@x.test'],
  ['<>', ''],
  ['<> SIZE=1', ''],
  ['<"">', '', '<>'],
  ['<"bob"@x.test>', 'bob@x.test'],
  ['<"b\\ob"@x.test>', 'bob@x.test'],
  ['<"bob b"@x.test>', 'bob b@x.test'],
  ['<"a@b"@x.test>', 'a@b@x.test'],
  ['<"a\\"b"@x.test>', 'a"b@x.test'],
  ['<"a>b"@x.test>', 'a>b@x.test'],
  ['<bob@x.test.>', 'bob@x.test'],
  ['<@r.test:bob@x.test>', 'bob@x.test'],
  ['<@r.test,@s.test:bob@x.test>', 'bob@x.test'],
  ['<bob@[192.0.2.1]>', 'bob@[192.0.2.1]'],
  ['<bob@[IPv6:2001:db8::1]>', 'bob@[IPv6:2001:db8::1]'],
  ['<a%b!c@x.test>', 'a%b!c@x.test'],
  [octets('<zoë@bücher.test>'), 'zoë@bücher.test'],
  // Read in one way, and sent on in that way.
  ['bob@x.test', 'bob@x.test', '<bob@x.test>'],
  ['bob@x.test SIZE=1', 'bob@x.test', '<bob@x.test> SIZE=1'],
  ['"bob b"@x.test', 'bob b@x.test', '<"bob b"@x.test>'],
  ['"a\\\\b"@x.test', 'a\\b@x.test', '<"a\\\\b"@x.test>'],
  ['<bob>', 'bob@x.test', '<bob@x.test>'],
  ['bob SIZE=1', 'bob@x.test', '<bob@x.test> SIZE=1'],
  ['<"bob">', 'bob@x.test', '<bob@x.test>'],
  ['<y.test!alice>', 'y.test!alice@x.test', '<y.test!alice@x.test>'],
  ['<a b:bob@x.test;>', 'bob@x.test', '<bob@x.test>'],
  ['<b\\ob@x.test>', 'bob@x.test', '<bob@x.test>'],
  ['<bob @x.test>', 'bob@x.test', '<bob@x.test>'],
  ['<(a (b) \\) c)bob@x.test(d)>', 'bob@x.test', '<bob@x.test>'],
  ['<"bo"b@x.test>', 'bob@x.test', '<bob@x.test>'],
  ['<bob@"x.test">', 'bob@x.test', '<bob@x.test>'],
  ['<"alice@x.test">', 'alice@x.test', '<alice@x.test>'],
  ['<<bob@x.test>> SIZE=1', 'bob@x.test', '<bob@x.test> SIZE=1'],
  ['bob@x.test>', 'bob@x.test', '<bob@x.test>'],
  ['<bob@x.test> AUTH=<>', 'bob@x.test', '<bob@x.test>'],
  ['<@r.test:bob@x.test> AUTH=a+40b SIZE=1', 'bob@x.test', '<bob@x.test> SIZE=1'],
  // Nobody in particular.
  ['', undefined],
  ['<bob@x.test', undefined],
  ['<bob@x.test>SIZE=1', undefined],
  ['<"bob@x.test>', undefined],
  ['<(bob@x.test>', undefined],
  ['<bob)@x.test>', undefined],
  ['<a@b@x.test>', undefined],
  ['<a@x.test,bob@x.test>', undefined],
  ['<a@x.test:bob@x.test>', undefined],
  ['<a:alice@x.test,bob@x.test;>', undefined],
  ['<a:bob@x.test;alice@x.test>', undefined],
  ['<@r.test:a:bob@x.test;>', undefined],
  ['<a:b:bob@x.test;>', undefined],
  ['<bob@x.test;>', undefined],
  ['<@x.test>', undefined],
  ['<bob@>', undefined],
  ['<@r.test>', undefined],
  ['<bob@x.test\\>', undefined],
  ['bob@x.test\\>', undefined],
  ['<bob@x.test> <a@x.test>>', 'bob@x.test', '<bob@x.test> <a@x.test>>'],
  ['<bob@x.test><a@x.test>', undefined],
  ['<b\x01ob@x.test>', undefined],
  ['<"b\x7fob"@x.test>', undefined],
  ['<b\xe9b@x.test>', undefined],
];

t.test('senders', async (t) => {
  for (const [said, address, handedBack = said] of SENDERS) {
    const mail = readMail(`MAIL FROM:${said}`);
    t.equal(mail && senderOf(mail, LOGIN), address, `${said} is <${address}>`);
    if (mail !== undefined)
      t.equal(mailFor(mail, LOGIN), `MAIL FROM:${handedBack}`, `${said} goes on as ${handedBack}`);
  }
  const alone = readMail('MAIL FROM:<bob>');
  t.equal(alone && senderOf(alone, 'bob'), 'bob', 'a login without a domain completes nothing');
  for (const [line, is] of [
    ['MAIL FROM:<a@x> SMTPUTF8', true],
    ['MAIL FROM:<a@x> SIZE=1 smtputf8 BODY=8BITMIME', true],
    ['MAIL FROM:<"a SMTPUTF8 "@x> ENVID=SMTPUTF8', false],
  ] as const)
    t.equal(saysUtf8({ parameters: readMail(line)?.parameters ?? [] }), is, line);
  for (const line of ['MAIL FROM', 'MAIL FROM <a@x>', 'MAIL FRM:<a@x>', 'MAIL TO:<a@x>', 'MAIL FROM :<a@x>'])
    t.equal(readMail(line) === undefined, line !== 'MAIL FROM :<a@x>', line);
});

t.test('recipients: all are taken, and their domains noted where they can be made out', async (t) => {
  for (const [said, domain] of [
    ['<erin@Y.test>', 'Y.test'],
    ['<"erin@home"@y.test> NOTIFY=NEVER', 'y.test'],
    ['<@r.test:erin@y.test.>', 'y.test'],
    ['erin@y.test', 'y.test'],
    ['<erin>', undefined],
    ['<a@b@y.test>', undefined],
    ['<list:a@y.test;>', 'y.test'],
    ['<\xe9@y.test>', undefined],
    ['', undefined],
  ] as const)
    t.same(readRecipient(`RCPT TO:${said}`), { command: `RCPT TO:${said}`, domain }, said);
});

t.test('a path that is written for an address is read as that address', async (t) => {
  const local = fc.string({ unit: fc.constantFrom(...'ab.+"\\@<>(), :;[]%!é'), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(local, (name) => {
      const address = `${name}@x.test`;
      t.equal(readPath(pathTo(address)), address);
    }),
    { numRuns: 2000 },
  );
});

t.test('a path without end is no sender, and a recipient all the same', async (t) => {
  const shapes = ['"\\"', '(', 'a@', '<', '\\', '"a"', '[', ' ', '@a,', 'a.', '()', 'a'];
  for (const shape of shapes) {
    const path = `<${shape.repeat(16_000 / shape.length)}@x.test>`;
    t.equal(readMail(`MAIL FROM:${path}`), undefined, shape);
    t.same(readRecipient(`RCPT TO:${path}`), { command: `RCPT TO:${path}`, domain: undefined }, shape);
  }
});
