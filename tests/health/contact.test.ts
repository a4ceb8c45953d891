/** What a session, or a greeting, says of the IMAP server. */
import net from 'node:net';
import t, { type Test } from 'tap';
import { contactBy, greets, openContacts } from '../../bridge/health/contact.ts';
import { Failure, type FailureCode } from '../../bridge/shared/failure.ts';

t.test('by the failure of a session', async (t) => {
  /** Its code and rule, what it says, why. */
  const rows: readonly (readonly [FailureCode, string | undefined, ReturnType<typeof contactBy>, string])[] = [
    ['retry', undefined, 'unreachable', 'nobody answers'],
    ['config', undefined, 'unreachable', 'a certificate, or the file of a secret'],
    ['config', 'CREDENTIALS_REFUSED', 'refused', 'for everybody'],
    ['config', 'LOGIN_REFUSED', 'greeted', 'of one account'],
    ['absent', 'NO_ACCOUNT', 'greeted', 'it has answered'],
    ['retry', 'TOO_MANY_SESSIONS', 'greeted', 'it has answered'],
    ['unsafe', undefined, 'greeted', 'somebody else than was asked for'],
    ['internal', undefined, undefined, 'ours: it says nothing of the server'],
  ];
  for (const [code, rule, expected, why] of rows)
    t.equal(contactBy(new Failure(code, 'x', '', rule === undefined ? {} : { rule })), expected, why);
});

t.test('what is known', async (t) => {
  let now = 1000;
  const contacts = openContacts(() => now);
  t.equal(contacts.known(), undefined);
  contacts.told('in');
  t.same(contacts.known(), { up: true, refused: false, at: 1000 });
  now = 2000;
  contacts.told('refused');
  t.same(contacts.known(), { up: true, refused: true, at: 2000 });
  contacts.told('greeted');
  t.match(contacts.known(), { up: true, refused: true }, 'a greeting says nothing of our login');
  contacts.told('unreachable');
  t.match(contacts.known(), { up: false, refused: true });
  contacts.told('in');
  t.match(contacts.known(), { up: true, refused: false });
});

async function server(t: Test, say: (socket: net.Socket) => void) {
  const listener = net.createServer((socket) => {
    socket.on('error', () => {});
    t.teardown(() => socket.destroy());
    say(socket);
  });
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
  t.teardown(() => listener.close());
  return {
    host: '127.0.0.1',
    port: (listener.address() as net.AddressInfo).port,
    tls: 'none',
    timeoutMs: 10_000,
  } as const;
}

t.test('a greeting', async (t) => {
  const said = (text: string) => server(t, (socket) => socket.write(text));
  t.equal(await greets(await said('* OK ready\r\n')), true);
  t.equal(await greets(await said('* PREAUTH hello\r\n')), true);
  t.equal(await greets(await said('* OK\r\n')), true);
  t.equal(await greets(await said('* BYE too many\r\n')), false, 'it takes nobody');
  t.equal(await greets(await said('220 mail ESMTP\r\n')), false, 'another service');
  t.equal(await greets(await said('* OKAY\r\n')), false);
  t.equal(await greets(await server(t, (socket) => socket.end())), false, 'it hangs up');
  t.equal(await greets({ ...(await said('*')), timeoutMs: 50 }), false, 'it says too little');
  t.equal(await greets({ ...(await server(t, () => {})), timeoutMs: 50 }), false, 'it says nothing');
  const gone = await server(t, () => {});
  t.equal(await greets({ ...gone, port: 1 }), false, 'nobody listens');
  const slowly = await server(t, (socket) => {
    socket.write('* ');
    setImmediate(() => socket.write('OK ready\r\n'));
  });
  t.equal(await greets(slowly), true, 'in pieces');
});
