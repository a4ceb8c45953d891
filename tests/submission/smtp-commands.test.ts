/** What a client says on one connection, command by command, and which envelope comes of it. Through Postfix: tests/servers/submission-forms.test.ts. */
import net from 'node:net';
import { SMTPServer } from 'smtp-server';
import t, { type Test } from 'tap';
import type { Envelope } from '../../bridge/submission/envelope.ts';
import { greetAtOnce } from '../../bridge/submission/greeting.ts';
import { takeCommands } from '../../bridge/submission/smtp-commands.ts';
import { until } from '../store/until.ts';

/** A server whose messages are refused where they say so, and one connection to it. */
async function connection(t: Test) {
  const envelopes: (Envelope | undefined)[] = [];
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    useXForward: true,
    disableReverseLookup: true,
    logger: false,
    onData: (stream, session, callback) => {
      envelopes.push(envelopeOf(session));
      let text = '';
      stream.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk;
      });
      stream.on('end', () =>
        callback(/refuse me/.test(text) ? Object.assign(new Error('no'), { responseCode: 550 }) : null),
      );
    },
  });
  const envelopeOf = takeCommands(server);
  greetAtOnce(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const socket = net.connect((server.server.address() as net.AddressInfo).port, '127.0.0.1');
  const codes: number[] = [];
  socket.setEncoding('latin1').on('data', (text: string) => {
    for (const [, code] of text.matchAll(/^(\d{3}) /gm)) codes.push(Number(code));
  });
  t.teardown(async () => {
    socket.destroy();
    await new Promise<void>((done) => server.close(done));
  });
  /** In one write. The codes of the answers, in order. */
  const says = async (...lines: readonly string[]) => {
    codes.length = 0;
    socket.write(Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'));
    await until(() => codes.length >= lines.length, `answers to ${lines}`);
    return [...codes];
  };
  await until(() => codes.length === 1, 'the greeting');
  await says('EHLO c');
  return { says, envelopes };
}

const octets = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
const MAIL = 'MAIL FROM:<a@x.test>';
const RCPT = 'RCPT TO:<b@y.test>';

t.test('the commands are kept octet by octet', async (t) => {
  const { says, envelopes } = await connection(t);
  const xforward = [
    octets('XFORWARD NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::1 PORT=1 HELO=MÜLLER-PC'),
    'XFORWARD HELO=M\xdcLLER IDENT=a=b+3D SOURCE=LOCAL PROTO=ESMTP',
    'XFORWARD NAME= HELO=[UNAVAILABLE] LOGIN=ceo@x.test',
  ];
  const mail = 'MAIL FROM:<@r.test:"a b"@x.test.>  RET=HDRS ENVID=ab+2Bcd BODY=8BITMIME SIZE=100 ';
  const recipients = ['<"erin erin"@y.test>', '<"a@b"@y.test>', '<erin>', 'erin@y.test', '<\xe9@y.test>', 'a;b'].map(
    (to) => `RCPT TO:${to}`,
  );
  t.same(await says(...xforward, mail, ...recipients, 'DATA'), [...Array(10).fill(250), 354]);
  t.same(await says('x\r\n.'), [250]);
  t.match(envelopes, [{ xforward, mail: { command: mail }, recipients: recipients.map((command) => ({ command })) }]);
});

t.test('each message has its own; what was said of one is not known of the next', async (t) => {
  const { says, envelopes } = await connection(t);
  const first = ['XFORWARD HELO=one', MAIL, RCPT, 'DATA'];
  t.same(await says(...first), [250, 250, 250, 354]);
  t.same(await says('refuse me\r\n.'), [550]);
  t.same(await says('XFORWARD HELO=two', MAIL, RCPT, RCPT, 'DATA'), [250, 250, 250, 250, 354], 'after a refusal');
  t.same(await says('x\r\n.'), [250]);
  t.same(await says(MAIL, RCPT, 'DATA'), [250, 250, 354]);
  t.same(await says('x\r\n.', 'XFORWARD HELO=four', MAIL, RCPT, 'DATA'), [250, 250, 250, 250, 354], 'in one write');
  t.same(await says('x\r\n.'), [250]);
  t.same(
    envelopes.map((one) => [one?.xforward, one?.recipients.length]),
    [
      [['XFORWARD HELO=one'], 1],
      [['XFORWARD HELO=two'], 2],
      [[], 1],
      [['XFORWARD HELO=four'], 1],
    ],
  );
});

t.test('RSET and EHLO forget it all, and a command refused changes nothing', async (t) => {
  const { says, envelopes } = await connection(t);
  for (const reset of ['RSET', 'EHLO d']) {
    t.same(await says('XFORWARD HELO=old', MAIL, RCPT, reset), [250, 250, 250, 250]);
    t.same(await says('DATA', RCPT), [503, 503], `after ${reset}`);
  }
  t.same(await says('MAIL FROM:<(>', 'MAIL FRM:<a@x>', RCPT, 'DATA'), [501, 501, 503, 503], 'no sender');
  t.same(await says(MAIL, MAIL, 'XFORWARD HELO=late', RCPT, 'DATA'), [250, 503, 503, 250, 354], 'in a message');
  t.same(await says('x\r\n.'), [250]);
  t.match(envelopes, [{ xforward: [], mail: { command: MAIL }, recipients: [{ command: RCPT }] }]);
  t.equal(envelopes.length, 1);
});

t.test('nothing goes on that could be two commands, and no more than has an end', async (t) => {
  const { says, envelopes } = await connection(t);
  const bad = ['XFORWARD HELO=a\rb', 'XFORWARD HELO=a\0b', 'MAIL FROM:<"a\rb"@x.test>', 'MAIL FROM:<a@x.test>\0'];
  t.same(await says(...bad), [501, 501, 501, 501]);
  t.same(await says(MAIL, 'RCPT TO:<"a\rRCPT TO:<x@y>"@y.test>', 'RCPT TO:<a@y.test>\r'), [250, 501, 501]);
  t.same(await says('RSET', ...Array(17).fill('XFORWARD HELO=a')), [...Array(17).fill(250), 501]);
  const long = `XFORWARD NAME=n HELO=${'x'.repeat(254)}+C3+9C PORT=1`;
  t.same(await says('RSET', long, MAIL, RCPT, 'DATA'), [250, 250, 250, 250, 354]);
  t.same(await says('x\r\n.'), [250]);
  t.same(envelopes[0]?.xforward, [`XFORWARD NAME=n HELO=${'x'.repeat(254)} PORT=1`], 'as long as Postfix takes it');
});
