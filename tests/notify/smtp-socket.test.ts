import net from 'node:net';
import t from 'tap';
import { boundedSocket } from '../../bridge/notify/smtp-socket.ts';
import { sayForEver } from '../imap/fake-server.ts';

t.test('of a server that says empty lines without end, few are heard: nodemailer works off each of them', async (t) => {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    sayForEver(socket, { say: '\r\n' });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const address = { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port };
  const { heard, error } = await new Promise<{ readonly heard: number; readonly error: Error | undefined }>((resolve) =>
    boundedSocket(
      address,
      5000,
      60_000,
    )({}, (_, got) => {
      let heard = 0;
      let error: Error | undefined;
      got?.connection
        .on('data', (piece: Buffer) => {
          heard += piece.length / 2;
        })
        .on('error', (said) => {
          error = said;
        })
        .on('close', () => resolve({ heard, error }));
    }),
  );
  t.match(error?.message, /no end to what it says/);
  t.ok(heard < 50_000, `${heard} lines, one piece more than four thousand at most`);
});
