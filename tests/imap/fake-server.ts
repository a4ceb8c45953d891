/** An IMAP server that does what no real one does: it answers a command without end. Everything else it answers as is proper. */
import net from 'node:net';

export interface FakeServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Writes on and on, as fast as it is read, or with a pause between two. */
export interface Endless {
  readonly say: string | Buffer;
  readonly everyMs?: number;
}

/** What is said instead of an answer, on and on or once, some time later perhaps; undefined for the proper one. GREETING stands for what comes first. */
export type Misbehave = (
  command: string,
  tag: string,
) => Endless | { readonly once: string; readonly afterMs?: number } | undefined;

const CAPABILITIES = 'IMAP4rev1 ACL NAMESPACE SASL-IR AUTH=PLAIN LITERAL+';

export async function startFakeServer(misbehave: Misbehave): Promise<FakeServer> {
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    const answer = (command: string, tag: string, proper: string) => {
      const instead = misbehave(command, tag) ?? { once: proper };
      if ('once' in instead && instead.afterMs !== undefined)
        setTimeout(() => socket.write(instead.once), instead.afterMs);
      else if ('once' in instead) socket.write(instead.once);
      else sayForEver(socket, instead);
    };
    answer('GREETING', '*', `* OK [CAPABILITY ${CAPABILITIES}] ready\r\n`);
    let rest = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [tag = '', command = ''] = line.split(' ');
        const more = command === 'CAPABILITY' ? `* CAPABILITY ${CAPABILITIES}\r\n` : '';
        answer(command.toUpperCase(), tag, `${more}${tag} OK done\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (listener.address() as net.AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

export function sayForEver(socket: net.Socket, { say, everyMs }: Endless): void {
  if (everyMs !== undefined) {
    const timer = setInterval(() => socket.write(say), everyMs);
    socket.on('close', () => clearInterval(timer));
    return;
  }
  const once = Buffer.from(say);
  const piece = Buffer.concat(Array.from({ length: Math.ceil(65_536 / once.length) }, () => once));
  const more = () => {
    if (!socket.destroyed && socket.write(piece)) setImmediate(more); // else at the next drain
  };
  socket.on('drain', more);
  more();
}
