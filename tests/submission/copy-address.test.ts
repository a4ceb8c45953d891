import t from 'tap';
import {
  type CopyTicket,
  copyKey,
  copyTicket,
  isVouchedFor,
  readTicket,
  writtenTicket,
} from '../../bridge/submission/copy-address.ts';
import { headerOf, messageIdIn, messageIdOf } from '../../bridge/submission/message-id.ts';

const key = copyKey(Buffer.alloc(32, 1));
const subject = { mailboxId: 42, messageId: '<a.b@lab.test>', sentAt: new Date('2026-11-25T03:00:00.123Z') };

t.test('a ticket is read as it was written, whatever case it comes back in, and fits a local part', (t) => {
  const ticket = copyTicket(key, subject);
  const written = writtenTicket(ticket);
  t.same(readTicket(written), ticket);
  t.same(readTicket(written.toUpperCase()), ticket);
  t.match(written, /^[0-9a-z.]+$/, 'nothing that a recipient_delimiter cuts');
  t.ok(writtenTicket({ ...ticket, mailboxId: 9_999_999_999 }).length <= 64);
  t.not(writtenTicket(copyTicket(key, subject)), written, 'another each time');
  t.end();
});

t.test('what is no ticket', (t) => {
  for (const local of [
    '',
    'alice',
    '0.m1.0123456789abcdef.0123456789abcdef01234567',
    '1.m1.0123456789abcdef.0123456789abcdef0123456',
    '1.m1.0123456789abcdef.0123456789abcdef01234567.x',
    '-1.m1.0123456789abcdef.0123456789abcdef01234567',
    '1.m1m1m1m1m1.0123456789abcdef.0123456789abcdef01234567',
  ]) {
    t.equal(readTicket(local), undefined, local);
  }
  t.end();
});

t.test('a ticket is good for its mailbox, its moment, its message, under its key', (t) => {
  const ticket = copyTicket(key, subject);
  const rows: readonly (readonly [Partial<CopyTicket>, string | undefined, boolean, string])[] = [
    [{}, subject.messageId, true, 'as it was made'],
    [{}, '<other@lab.test>', false, 'another message'],
    [{}, undefined, false, 'a message without a Message-ID'],
    [{ mailboxId: 43 }, subject.messageId, false, 'another mailbox'],
    [{ sentAt: new Date('2026-11-25T03:00:00.124Z') }, subject.messageId, false, 'another moment'],
    [{ nonce: '0000000000000000' }, subject.messageId, false, 'another nonce'],
  ];
  for (const [change, id, good, why] of rows) t.equal(isVouchedFor(key, { ...ticket, ...change }, id), good, why);
  t.equal(isVouchedFor(copyKey(Buffer.alloc(32, 2)), ticket, subject.messageId), false, 'another key');
  const none = copyTicket(key, { ...subject, messageId: undefined });
  t.equal(isVouchedFor(key, none, '<20261125030000.1@mx.lab.test>'), true, 'Postfix gave it one meanwhile');
  t.end();
});

t.test('the Message-ID of a header', (t) => {
  const rows: readonly (readonly [string, string | undefined, string])[] = [
    ['Subject: x\r\nMessage-ID: <a@b>', '<a@b>', 'plain'],
    ['message-id:<a@b>\r\nMessage-ID: <c@d>', '<a@b>', 'the first, in any case'],
    ['Message-ID:\r\n <a@b>\r\nTo: x', '<a@b>', 'folded'],
    ['Message-Id : <a@b>', '<a@b>', 'a space before the colon'],
    ['X-Message-ID: <a@b>', undefined, 'of another field'],
    ['Subject: x\r\n Message-ID: <a@b>', undefined, 'within another field'],
    ['Message-ID: a@b', undefined, 'without brackets'],
    ['Message-ID: <a b@c>', undefined, 'a space in it'],
    ['Message-ID: <a@b> <c@d>', undefined, 'two'],
    ['Message-ID: <\u00e9@b>', undefined, 'not ASCII'],
    [`Message-ID: <${'a'.repeat(251)}>`, undefined, 'too long'],
    ['', undefined, 'none'],
  ];
  for (const [header, id, why] of rows) t.equal(messageIdIn(header), id, why);
  t.equal(messageIdOf('<>'), undefined);
  const whole = Buffer.from('Subject: x\r\n\r\nMessage-ID: <in@the.body>\r\n');
  t.equal(messageIdIn(headerOf(whole)), undefined, 'a body has none');
  t.equal(headerOf(Buffer.from('Subject: x')), 'Subject: x', 'a header alone');
  t.end();
});
