import net from 'node:net';
import { type Transcript, transcript } from './transcript.ts';

export interface SmtpAnswer {
  /** Three digits; 0 when the connection ended instead of answering. */
  readonly code: number;
  /** Without the codes, lines joined by newlines; the enhanced status code stands first where there is one. */
  readonly text: string;
}

/** Where a message was stopped, or that it was taken. */
export interface SmtpOutcome extends SmtpAnswer {
  readonly at: 'MAIL' | 'RCPT' | 'DATA' | 'accepted';
}

export interface RawSmtp {
  readonly greeting: SmtpAnswer;
  readonly transcript: Transcript;
  command(line: string): Promise<SmtpAnswer>;
  ehlo(name?: string): Promise<SmtpAnswer>;
  /** SASL PLAIN; with authzid, login speaks for another (which a submission service must refuse). */
  authPlain(login: string, password: string, authzid?: string): Promise<SmtpAnswer>;
  /** MAIL FROM, RCPT TO and DATA, up to the first refusal. '' is the null sender. Leaves the session usable. */
  sendMail(from: string, to: string, message: string): Promise<SmtpOutcome>;
  /** The bytes after DATA exactly as given: dots are not stuffed, the final dot is the caller's. */
  dataBytes(bytes: string | Buffer): Promise<SmtpAnswer>;
  close(): void;
}

const ANSWER_LIMIT_MS = 90_000; // longer than whoever is asked waits for somebody else who says nothing

/** An SMTP session written by hand, so that tests may say what no well-behaved library would. `dial`: over TLS, perhaps. */
export async function connectSmtp(
  address: { readonly host: string; readonly port: number },
  dial: (address: net.TcpNetConnectOpts) => net.Socket = net.connect,
): Promise<RawSmtp> {
  const socket = dial({ ...address, noDelay: true });
  const wire = transcript();
  const waiting: ((answer: SmtpAnswer) => void)[] = [];
  let received = '';
  let lines: string[] = [];

  const receive = (line: string) => {
    wire.server(line);
    lines.push(line.slice(4));
    if (line[3] === '-') return;
    const answer = { code: Number(line.slice(0, 3)), text: lines.join('\n') };
    lines = [];
    waiting.shift()?.(answer);
  };
  socket.on('data', (bytes) => {
    const complete = (received + bytes.toString('utf8')).split('\r\n');
    received = complete.pop() ?? '';
    complete.forEach(receive);
  });
  socket.on('error', () => {}); // 'close' follows, and is what counts
  socket.on('close', () => {
    for (const answer of waiting.splice(0)) answer({ code: 0, text: 'connection closed' });
  });

  const answerTo = (what: string) =>
    new Promise<SmtpAnswer>((resolve, reject) => {
      if (socket.closed) return resolve({ code: 0, text: 'connection closed' });
      const timer = setTimeout(() => reject(new Error(`no answer to ${what}\n${wire.print()}`)), ANSWER_LIMIT_MS);
      waiting.push((answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  /** @param shown what the transcript keeps instead of a line that holds a secret */
  const command = (line: string, shown = line) => {
    wire.client(shown);
    const answer = answerTo(shown);
    socket.write(`${line}\r\n`);
    return answer;
  };
  const dataBytes = (bytes: string | Buffer) => {
    wire.client(bytes.toString('utf8').replace(/\r\n$/, ''));
    const answer = answerTo('the message');
    socket.write(bytes);
    return answer;
  };

  const greeting = await answerTo('connect');
  if (greeting.code === 0) throw new Error(`no SMTP greeting from ${address.host}:${address.port}`);
  return {
    greeting,
    transcript: wire,
    command: (line) => command(line),
    ehlo: (name = 'client.lab.test') => command(`EHLO ${name}`),
    authPlain(login, password, authzid = '') {
      const initial = Buffer.from(`${authzid}\0${login}\0${password}`).toString('base64');
      const who = authzid ? `${authzid} by ${login}` : login;
      return command(`AUTH PLAIN ${initial}`, `AUTH PLAIN <${who}, password>`);
    },
    async sendMail(from, to, message) {
      const mail = await command(`MAIL FROM:<${from}>`);
      if (mail.code !== 250) return { at: 'MAIL', ...mail };
      const rcpt = await command(`RCPT TO:<${to}>`);
      const data = rcpt.code === 250 ? await command('DATA') : undefined;
      if (data?.code !== 354) {
        await command('RSET');
        return data ? { at: 'DATA', ...data } : { at: 'RCPT', ...rcpt };
      }
      const taken = await dataBytes(`${stuffed(message)}.\r\n`);
      return { at: taken.code === 250 ? 'accepted' : 'DATA', ...taken };
    },
    dataBytes,
    close: () => socket.destroy(),
  };
}

/** CRLF throughout, a dot before each line that begins with one (RFC 5321 section 4.5.2). */
function stuffed(message: string): string {
  const text = message.replace(/\r?\n/g, '\r\n').replace(/^\./gm, '..');
  return text.endsWith('\r\n') ? text : `${text}\r\n`;
}
