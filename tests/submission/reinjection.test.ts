/** Connections back to Postfix that take one message after another, against a server that ends them in every way. Through the filter: tests/servers/submission-faults.test.ts. */
import net from 'node:net';
import t, { type Test } from 'tap';
import { openReinjection, type Transaction } from '../../bridge/submission/reinjection.ts';
import { until } from '../store/until.ts';

type Answer = string | 'close';

/** By the number of the connection and of the line on it, both from 0; undefined for the usual answer. */
type Script = (line: string, connection: number, message: number) => Answer | undefined;

interface Said {
  readonly connection: number;
  readonly line: string;
}

async function fake(t: Test, script: Script = () => undefined, idleMs = 60_000) {
  const said: Said[] = [];
  const taken: string[] = [];
  const open = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    const connection = connections++;
    let message = 0;
    let data: string[] | undefined;
    let rest = '';
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => {});
    const answer = (line: string, usual: string) => {
      const text = script(line, connection, message) ?? usual;
      if (text === 'close') return socket.destroy();
      socket.write(`${text}\r\n`);
      return text.startsWith('354');
    };
    socket.write('220 fake\r\n');
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (data === undefined) {
          said.push({ connection, line });
          if (line === 'QUIT') socket.end('221 bye\r\n');
          else if (line === 'DATA') data = answer(line, '354 go') === true ? [] : undefined;
          else answer(line, line.startsWith('EHLO') ? '250-fake\r\n250-PIPELINING\r\n250 XFORWARD ADDR' : '250 ok');
        } else if (line === '.') {
          const text = script(line, connection, message) ?? '250 2.0.0 queued';
          if (text.startsWith('250')) taken.push(data.join('\n'));
          data = undefined;
          answer(line, text);
          message++;
        } else data.push(line);
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as net.AddressInfo;
  const reinjection = openReinjection({ host: '127.0.0.1', port }, { replyMs: 1500, idleMs });
  t.teardown(() => {
    reinjection.close();
    for (const socket of open) socket.destroy();
    server.close();
  });
  const send = async (text: string, mail: Partial<Transaction> = {}) => {
    const commands = { xforward: ['XFORWARD ADDR=192.0.2.1'], mail: 'MAIL FROM:<a@x>', recipients: ['RCPT TO:<b@y>'] };
    const delivery = await reinjection.begin({ ...commands, ...mail });
    await delivery.write(Buffer.from(`${text}\r\n`));
    return (await delivery.finish()).code;
  };
  return { said, taken, open, send, reinjection, connections: () => connections };
}

t.test('the second message goes over the connection of the first, with its own XFORWARD, in one write', async (t) => {
  const { said, taken, send, connections } = await fake(t);
  t.equal(await send('one'), 250);
  t.equal(await send('two', { xforward: ['XFORWARD ADDR=192.0.2.2'] }), 250);
  t.equal(connections(), 1);
  t.same(taken, ['one', 'two']);
  t.same(
    said.map(({ line }) => line).filter((line) => /^(EHLO|XFORWARD)/.test(line)),
    ['EHLO mandat.localhost', 'XFORWARD ADDR=192.0.2.1', 'XFORWARD ADDR=192.0.2.2'],
  );
});

t.test('two messages at once have a connection each', async (t) => {
  const { send, taken, connections } = await fake(t);
  t.same(await Promise.all([send('one'), send('two')]), [250, 250]);
  t.equal(connections(), 2);
  await send('three');
  t.equal(connections(), 2);
  t.same([...taken].sort(), ['one', 'three', 'two']);
});

t.test('after an error, or a message given up, the next one opens a connection of its own', async (t) => {
  for (const [verb, reply] of [
    ['XFORWARD', '501 what'],
    ['MAIL', '452 4.3.1 full'],
    ['RCPT', '550 5.1.1 nobody'],
    ['DATA', '554 5.5.1 no'],
    ['.', '552 5.3.4 too big'],
    ['.', '999 what'],
    ['.', 'nonsense'],
  ] as const) {
    const { send, taken, connections } = await fake(t, (line, connection) =>
      connection === 0 && line.startsWith(verb) ? reply : undefined,
    );
    await t.rejects(send('one'), `${reply} to ${verb}`);
    t.equal(await send('two'), 250);
    t.same([connections(), taken], [2, ['two']], `after ${reply} to ${verb}`);
  }
  const { reinjection, send, taken, connections } = await fake(t);
  const half = await reinjection.begin({ xforward: [], mail: 'MAIL FROM:<a@x>', recipients: ['RCPT TO:<b@y>'] });
  await half.write(Buffer.from('half\r\n'));
  half.abandon();
  t.equal(await send('two'), 250);
  t.same([connections(), taken], [2, ['two']], 'after half a message');
});

t.test(
  'a connection that answers out of step is not used again, and an early 250 is not for the message',
  async (t) => {
    const twice = await fake(t, (line, connection) =>
      connection === 0 && line === '.' ? '250 queued\r\n250 again' : undefined,
    );
    t.equal(await twice.send('one'), 250);
    t.equal(await twice.send('two'), 250);
    t.equal(twice.connections(), 2);

    const early = await fake(t, (line, connection) =>
      connection === 0 && line === 'DATA' ? '354 go\r\n250 queued' : undefined,
    );
    await t.rejects(early.send('one'), { code: 451 });
    t.same(early.taken, [], 'the dot was never sent');
  },
);

t.test(
  'a connection that was hung up while idle: once more on a fresh one, as long as nothing of the message is out',
  async (t) => {
    for (const verb of ['XFORWARD', 'MAIL', 'RCPT', 'DATA']) {
      for (const end of ['close', '421 4.4.2 timeout']) {
        const { send, taken, connections } = await fake(t, (line, connection, message) =>
          connection === 0 && message === 1 && line.startsWith(verb) ? end : undefined,
        );
        await send('one');
        t.equal(await send('two'), 250, `${end} at ${verb}`);
        t.same([connections(), taken], [2, ['one', 'two']]);
      }
    }
    const always = await fake(t, (line, connection, message) =>
      (connection > 0 || message === 1) && line.startsWith('MAIL') ? 'close' : undefined,
    );
    await always.send('one');
    await t.rejects(always.send('two'), { code: 451 });
    t.equal(always.connections(), 2, 'once, not more often');
    const first = await fake(t, (line) => (line.startsWith('MAIL') ? 'close' : undefined));
    await t.rejects(first.send('one'), { code: 451 });
    t.equal(first.connections(), 1, 'a fresh one is not tried again');
  },
);

t.test('never once more when the message is out: it could come twice', async (t) => {
  for (const end of ['close', '421 4.3.0 going']) {
    const { send, taken, connections } = await fake(t, (line, _, message) =>
      message === 1 && line === '.' ? end : undefined,
    );
    await send('one');
    await t.rejects(send('two'), `${end} at the dot`);
    t.same([connections(), taken], [1, ['one']]);
  }
});

t.test(
  'idle connections end: when told so by the server, after a while, after many messages, when all is closed',
  async (t) => {
    const server = await fake(t);
    await server.send('one');
    for (const socket of server.open) socket.end('421 4.4.2 timeout\r\n');
    await until(() => server.open.size === 0, 'what the server has closed is gone');
    t.equal(await server.send('two'), 250);
    t.equal(server.connections(), 2);

    const idle = await fake(t, undefined, 20);
    await idle.send('one');
    await until(() => idle.open.size === 0, 'it ends by itself');
    t.equal(idle.said.at(-1)?.line, 'QUIT', 'in peace');
    t.equal(await idle.send('two'), 250);
    t.equal(idle.connections(), 2);

    const many = await fake(t);
    for (let count = 0; count < 101; count++) await many.send('x');
    t.equal(many.connections(), 2);
    many.reinjection.close();
    await until(() => many.open.size === 0, 'closed');
  },
);
