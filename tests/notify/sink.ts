/** A real SMTP server that keeps what it is sent, and answers as a test wants. */
import { type AddressObject, type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface Mail {
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  readonly user: string | undefined;
  readonly secure: boolean;
  readonly raw: string;
  readonly parsed: ParsedMail;
}

/** To the final dot: taken, a refusal with its code, or taken and the connection cut before the answer. */
export type Answer = 'taken' | 'cut' | number;

export interface Sink {
  readonly port: number;
  /** Everything up to a final dot, taken or not. */
  readonly mails: readonly Mail[];
  connections(): number;
  close(): Promise<void>;
}

/** Who has not gone after the server's farewell by then is cut off. */
const LATE_MS = 1000;

function cut({ connections }: SMTPServer): void {
  for (const one of connections) (one as unknown as { _socket: { destroy(): void } })._socket.destroy();
}

export async function startSink(
  answer: (mail: Mail, count: number) => Answer = () => 'taken',
  options: SMTPServerOptions & { readonly port?: number } = {},
): Promise<Sink> {
  const mails: Mail[] = [];
  let connections = 0;
  const { port: wanted = 0, ...rest } = options;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    logger: false,
    closeTimeout: 100,
    onConnect: (_session, callback) => {
      connections++;
      callback();
    },
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
      stream.on('end', async () => {
        const raw = Buffer.concat(chunks).toString('utf8');
        const { mailFrom, rcptTo } = session.envelope;
        const mail: Mail = {
          envelope: { from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address) },
          user: session.user,
          secure: session.secure,
          raw,
          parsed: await simpleParser(raw),
        };
        mails.push(mail);
        const how = answer(mail, mails.length);
        if (how === 'taken') return callback(null, 'kept');
        if (how === 'cut') {
          cut(server);
          return undefined;
        }
        return callback(Object.assign(new Error(`no, not to <${mail.envelope.to[0]}>`), { responseCode: how }));
      });
    },
    ...rest,
  });
  server.on('error', () => {}); // a client that goes away
  await new Promise<void>((resolve) => {
    server.listen(wanted, '127.0.0.1', resolve);
  });
  const { port } = server.server.address() as { port: number };
  return {
    port,
    mails,
    connections: () => connections,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const late = setTimeout(() => cut(server), LATE_MS);
      await closed;
      clearTimeout(late);
    },
  };
}

export function addressesIn(field: AddressObject | AddressObject[] | undefined): readonly string[] {
  return [field ?? []].flat().flatMap(({ value }) => value.map(({ address, name }) => `${name}<${address}>`));
}
