/** Questions that wait for nobody go out together; changes, and what a server must ask for first, one by one. */
import net from 'node:net';
import t, { type Test } from 'tap';
import { text } from '../../bridge/imap/arguments.ts';
import { type Connection, connect } from '../../bridge/imap/connection.ts';

interface Asked {
  readonly tag: string;
  readonly command: string;
  readonly folder: string;
}

/** Hears of all commands that stand unanswered, each time one has come; what it returns is answered, in that order. */
type Answers = (waiting: readonly Asked[]) => readonly Asked[];

const CAPABILITIES = 'IMAP4rev1 ACL NAMESPACE SASL-IR AUTH=PLAIN LITERAL+';

async function server(t: Test, answers: Answers): Promise<() => Promise<Connection>> {
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).write(`* OK [CAPABILITY ${CAPABILITIES}] ready\r\n`);
    let waiting: Asked[] = [];
    let rest = '';
    socket.setEncoding('latin1').on('data', (data: string) => {
      const lines = (rest + data).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [tag = '', command = '', folder = ''] = line.split(' ');
        if (['GETACL', 'SETACL', 'MYRIGHTS'].includes(command)) waiting.push({ tag, command, folder });
        else socket.write(`* CAPABILITY ${CAPABILITIES}\r\n${tag} OK done\r\n`);
        const now = answers(waiting);
        waiting = waiting.filter((one) => !now.includes(one));
        for (const one of now)
          socket.write(
            `${one.command === 'GETACL' ? `* ACL ${one.folder} of-${one.folder.replaceAll('"', '')} lr\r\n` : ''}${one.tag} OK done\r\n`,
          );
      }
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as net.AddressInfo;
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return async () => {
    const endpoint = { host: '127.0.0.1', port, tls: 'none', timeoutMs: 2000 } as Parameters<typeof connect>[0];
    const connection = await connect(endpoint, { user: 'admin', pass: 'secret', authzid: 'alice' });
    t.teardown(connection.close);
    return connection;
  };
}

const getacl = async (connection: Connection, folder: string) => {
  const reply = await connection.run('GETACL', [text(folder)], 'ACL');
  return reply.ok ? reply.untagged.map(({ values }) => values[1]) : reply;
};

t.test('questions stand unanswered together, and each gets its own answer', async (t) => {
  const open = await server(t, (waiting) => (waiting.length < 20 ? [] : waiting));
  const folders = Array.from({ length: 20 }, (_, n) => `F${n}`);
  const connection = await open();
  t.strictSame(
    await Promise.all(folders.map((folder) => getacl(connection, folder))),
    folders.map((folder) => [`of-${folder}`]),
  );
});

t.test('no more than a server can keep', async (t) => {
  let most = 0;
  const open = await server(t, (waiting) => {
    most = Math.max(most, waiting.length);
    return waiting.length < 101 ? [] : waiting.slice(0, 1);
  });
  const connection = await open();
  const first = Promise.all(Array.from({ length: 150 }, (_, n) => getacl(connection, `F${n}`)));
  await t.rejects(first, { message: /has not answered GETACL for 2 s/ }, 'those at the end are never answered');
  t.equal(most, 101, 'one that is answered, and a hundred behind it');
});

t.test('changes of entries go together, and nothing else goes beside them', async (t) => {
  const together: string[] = [];
  const open = await server(t, (waiting) => {
    if (waiting.length > 1) together.push(waiting.map(({ command }) => command).join());
    // Those of A and B are answered at once, those of C when both have come.
    return waiting.filter(({ folder }) => folder !== '"C"').length > 0 || waiting.length === 2 ? waiting : [];
  });
  const connection = await open();
  const set = (folder: string, login: string) => connection.run('SETACL', [text(folder), text(login), text('lr')]);
  await Promise.all([
    connection.run('SETACL', [text('A'), text('bob'), text('lr')]),
    getacl(connection, 'A'),
    connection.run('SETACL', [text('B'), text('bob'), text('lr')]),
    connection.run('MYRIGHTS', [text('caf\u00e9')]),
    getacl(connection, 'B'),
  ]);
  t.same(together, []);
  await Promise.all([set('C', 'bob'), set('C', 'carol')]);
  t.same(together, ['SETACL,SETACL']);
});

t.test('a server that answers out of turn is asked one by one from then on', async (t) => {
  const open = await server(t, (waiting) => (waiting.length < 2 ? [] : [...waiting].reverse()));
  const one = await open();
  const both = await Promise.allSettled(['A', 'B'].map((folder) => getacl(one, folder)));
  t.match(
    both.find(({ status }) => status === 'rejected'),
    { reason: { code: 'retry' } },
  );
  t.notOk(
    both.some(({ status }) => status === 'fulfilled'),
    'no answer counts',
  );
  const other = await open();
  const second = Promise.all(['A', 'B'].map((folder) => getacl(other, folder)));
  await t.rejects(second, { message: /has not answered GETACL for 2 s/ }, 'it waits for a second question in vain');
});
