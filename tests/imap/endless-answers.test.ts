/** Servers other than IMAP's whose answer has no end: SMTP for notices, Postfix behind the filter, doveadm, and what doctor looks at. */
import net from 'node:net';
import t, { type Test } from 'tap';
import { openWire as openDoctorWire } from '../../bridge/doctor/line-session.ts';
import { openSmtp, type SmtpSettings } from '../../bridge/notify/smtp.ts';
import { ask } from '../../bridge/sessions/doveadm-api.ts';
import { failureOf } from '../../bridge/shared/failure.ts';
import { openWire } from '../../bridge/submission/smtp-stream.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { type Endless, sayForEver } from './fake-server.ts';

/** Says something proper first, or as an answer to the first that it hears, then without end. */
async function server(
  t: Test,
  said: { readonly first?: string; readonly after?: string },
  endless: Endless,
): Promise<number> {
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    if (said.first !== undefined) socket.write(said.first);
    const goOn = () => {
      if (said.after !== undefined) socket.write(said.after);
      sayForEver(socket, endless);
    };
    if (said.after === undefined && said.first === undefined) goOn();
    else socket.once('data', goOn);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return (listener.address() as net.AddressInfo).port;
}

const FLOODS: readonly (readonly [what: string, endless: Endless])[] = [
  ['a line', { say: 'x' }],
  ['a reply', { say: '250-x\r\n' }],
  ['empty lines', { say: '\r\n' }],
  ['what is no reply', { say: 'hello\r\n' }],
];

t.test('the SMTP server that takes notices', async (t) => {
  for (const said of [{}, { first: '220 hi\r\n' }]) {
    for (const [what, endless] of FLOODS) {
      const port = await server(t, said, endless);
      const smtp = openSmtp({ host: '127.0.0.1', port, tls: 'none' } as SmtpSettings, {});
      const error = await smtp.answers().then(() => 'answers', failureOf);
      t.match(error, { code: 'retry', scope: 'server', message: /ended the connection: .{5,100}$/ }, what);
      smtp.abandon();
    }
  }
});

t.test('Postfix behind the submission filter', async (t) => {
  const kinds = [...FLOODS, ['a line now and then', { say: '250-x\r\n', everyMs: 20 }]] as typeof FLOODS;
  for (const [what, endless] of kinds) {
    const wire = openWire({ host: '127.0.0.1', port: await server(t, {}, endless) }, 500);
    t.match(
      await wire.next().then(
        () => 'a reply',
        (error) => error,
      ),
      { code: 451 },
      what,
    );
    wire.destroy();
  }
  const wire = openWire({ host: '127.0.0.1', port: await server(t, {}, { say: '250 ok\r\n' }) }, 500);
  await wire.next();
  const refused = () => {
    try {
      wire.send('QUIT\r\n');
      return false;
    } catch (error) {
      return error;
    }
  };
  t.match(await waitFor('the end of it', 30_000, refused), { code: 451 }, 'replies that nobody asked for');
  t.match(await wire.next().catch((error) => error), { code: 451 }, 'none of which is taken for an answer');
});

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n';

t.test('doveadm', async (t) => {
  for (const [what, after, endless, code] of [
    ['a body', HEAD, { say: '[["x",' }, 'config'],
    ['a body now and then', HEAD, { say: '[', everyMs: 50 }, 'retry'],
    ['a head', '', { say: 'x-more: yes\r\n' }, 'retry'],
    ['no HTTP at all', '', { say: 'x' }, 'retry'],
  ] as const) {
    const url = `http://127.0.0.1:${await server(t, { after }, endless)}/doveadm/v1`;
    const asked = ask({ url, apiKey: 'k', timeoutMs: what === 'a body' ? 20_000 : 1000 }, 'who', {}).then(
      () => 'answered',
      failureOf,
    );
    t.match(await asked, { code, message: /doveadm|127\.0\.0\.1/, hint: /sessions\.url/ }, what);
  }
  const elsewhere = 'HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n';
  const url = `http://127.0.0.1:${await server(t, { after: elsewhere }, { say: '', everyMs: 1e6 })}/doveadm/v1`;
  t.match(await ask({ url, apiKey: 'k', timeoutMs: 2000 }, 'who', {}).catch(failureOf), { code: 'retry' }, 'elsewhere');
});

t.test('what doctor looks at', async (t) => {
  for (const [what, endless] of [
    ...FLOODS,
    ['a line now and then', { say: '250-x\r\n', everyMs: 20 }],
  ] as typeof FLOODS) {
    const wire = await openDoctorWire({ host: '127.0.0.1', port: await server(t, {}, endless) }, 1000);
    const error = await wire.lines((line) => line.startsWith('250 ')).then(() => 'lines', failureOf);
    t.match(error, { code: 'retry', message: /127\.0\.0\.1:\d+: / }, what);
    wire.close();
  }
});
