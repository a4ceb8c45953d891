/** Posts events as Dovecot does: connections that are kept, one request at a time on each. Raw sockets, the requests made beforehand. */
import net from 'node:net';

export interface Posting {
  /** All of them, in their order over all connections; resolves when the last is answered. Rejects where one isn't taken. */
  post(requests: readonly Buffer[]): Promise<void>;
  close(): void;
}

export function requestOf(port: number, password: string, body: string): Buffer {
  const basic = Buffer.from(`mandat:${password}`).toString('base64');
  const head = `POST /events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Basic ${basic}\r\nContent-Type: application/json\r\n`;
  return Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

export async function openPosting(port: number, connections: number): Promise<Posting> {
  const sockets = await Promise.all(
    Array.from(
      { length: connections },
      () =>
        new Promise<net.Socket>((resolve, reject) => {
          const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
          socket.once('error', reject);
        }),
    ),
  );
  const postOn = (socket: net.Socket, next: () => Buffer | undefined) =>
    new Promise<void>((resolve, reject) => {
      let said = '';
      const done = (error?: Error) => {
        socket.removeAllListeners('data').removeAllListeners('close');
        if (error === undefined) resolve();
        else reject(error);
      };
      const go = () => {
        const request = next();
        if (request === undefined) done();
        else socket.write(request);
      };
      socket.once('close', () => done(new Error('the connection was closed')));
      socket.on('data', (chunk: Buffer) => {
        said += chunk.toString('latin1');
        if (!said.endsWith('\r\n\r\n')) return;
        if (!said.startsWith('HTTP/1.1 200 ')) return done(new Error(said.split('\r\n')[0]));
        said = '';
        go();
      });
      go();
    });
  return {
    post: async (requests) => {
      let at = 0;
      await Promise.all(sockets.map((socket) => postOn(socket, () => requests[at++])));
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
