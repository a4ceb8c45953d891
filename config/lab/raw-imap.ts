import net from 'node:net';
import { imapReader } from './imap-reader.ts';
import { type Transcript, transcript } from './transcript.ts';
import { within } from './wait.ts';

export interface ImapAnswer {
  /** BYE also when the connection ended before the tagged response came. */
  readonly status: 'OK' | 'NO' | 'BAD' | 'BYE';
  /** What follows the status: response code and text. */
  readonly text: string;
  /** The untagged responses before it, without their CRLF; literals stand inside, after their {n}. */
  readonly lines: readonly string[];
}

export interface RawImap {
  readonly greeting: string;
  readonly transcript: Transcript;
  /** Sends one command, tag and CRLF added, and waits for its tagged response. */
  command(line: string): Promise<ImapAnswer>;
  /** The same; named for pipelining: call it several times, then await the answers. */
  send(line: string): Promise<ImapAnswer>;
  login(user: string, password: string): Promise<ImapAnswer>;
  /** SASL PLAIN: logs in as `owner` with the master's name and password. */
  loginAs(owner: string, master: string, password: string): Promise<ImapAnswer>;
  append(folder: string, message: string, flags?: string): Promise<ImapAnswer>;
  /** Begins IDLE (RFC 2177). What it answers ends it. */
  idle(): () => Promise<ImapAnswer>;
  /** The server's BYE text, or '' when it closed without one. Throws when neither comes within the limit. */
  waitForBye(limitMs: number): Promise<string>;
  /** The untagged responses that came while no command was waiting (IDLE aside), such as EXISTS or BYE. */
  readonly unsolicited: readonly string[];
  close(): void;
}

/** For the greeting, and for each answer, unless the test says another. */
const ANSWER_LIMIT_MS = 30_000;

interface Waiting {
  readonly tag: string;
  readonly lines: string[];
  readonly answer: (answer: ImapAnswer) => void;
}

/** An IMAP session written by hand, so that the tests do not see the server through the library under test. */
export async function connectImap(
  address: { readonly host: string; readonly port: number },
  limitMs = ANSWER_LIMIT_MS,
): Promise<RawImap> {
  const socket = net.connect({ ...address, noDelay: true });
  const reader = imapReader();
  const wire = transcript();
  const waiting: Waiting[] = [];
  const unsolicited: string[] = [];
  let tags = 0;
  let bye: string | undefined;
  let greet: (greeting: string) => void = () => {};
  const greeted = new Promise<string>((resolve) => {
    greet = resolve;
  });
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });

  const receive = (response: string) => {
    wire.server(response);
    if (response.startsWith('* BYE')) bye = response.slice('* BYE '.length);
    const [, tag = '', status = '', text = ''] = /^(\S+) (OK|NO|BAD)\b ?([\s\S]*)$/.exec(response) ?? [];
    const at = waiting.findIndex((one) => one.tag === tag);
    const [done] = at < 0 ? [] : waiting.splice(at, 1);
    if (done) done.answer({ status: status as ImapAnswer['status'], text, lines: done.lines });
    else if (wire.utterances.length === 1) greet(response);
    else (waiting[0]?.lines ?? unsolicited).push(response);
  };
  const finish = () => {
    greet('');
    for (const { lines, answer } of waiting.splice(0))
      answer({ status: 'BYE', text: bye ?? 'connection closed', lines });
    end();
  };
  socket.on('data', (bytes) => reader.push(bytes).forEach(receive));
  socket.on('error', () => {}); // 'close' follows, and is what counts
  socket.on('close', finish);

  /** @param shown what the transcript keeps instead of a line that holds a secret */
  const transmit = (line: string, shown = line) => {
    const tag = `t${++tags}`;
    wire.client(`${tag} ${shown}`);
    return new Promise<ImapAnswer>((resolve, reject) => {
      if (socket.closed) return resolve({ status: 'BYE', text: bye ?? 'connection closed', lines: [] });
      const timer = setTimeout(() => reject(new Error(`no answer to ${shown}\n${wire.print()}`)), limitMs);
      waiting.push({
        tag,
        lines: [],
        answer: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
      });
      socket.write(`${tag} ${line}\r\n`);
    });
  };

  const greeting = await within(`the IMAP greeting of ${address.host}:${address.port}`, limitMs, greeted).catch(
    (error) => {
      socket.destroy();
      throw error;
    },
  );
  if (!greeting) throw new Error(`no IMAP greeting from ${address.host}:${address.port}`);
  return {
    greeting,
    transcript: wire,
    unsolicited,
    command: (line) => transmit(line),
    send: (line) => transmit(line),
    login: (user, password) =>
      transmit(`LOGIN ${quoted(user)} ${quoted(password)}`, `LOGIN ${quoted(user)} <password>`),
    loginAs(owner, master, password) {
      const initial = Buffer.from(`${owner}\0${master}\0${password}`).toString('base64');
      return transmit(`AUTHENTICATE PLAIN ${initial}`, `AUTHENTICATE PLAIN <${owner} by ${master}, password>`);
    },
    append(folder, message, flags = '') {
      // LITERAL+: no continuation to wait for, as the server offers it (RFC 7888).
      const list = flags ? `(${flags}) ` : '';
      return transmit(`APPEND ${quoted(folder)} ${list}{${Buffer.byteLength(message)}+}\r\n${message}`);
    },
    idle() {
      const tag = `t${++tags}`;
      wire.client(`${tag} IDLE`);
      const over = new Promise<ImapAnswer>((answer) => waiting.push({ tag, lines: [], answer }));
      socket.write(`${tag} IDLE\r\n`);
      return () => {
        wire.client('DONE');
        if (socket.closed) finish();
        else socket.write('DONE\r\n');
        return within('the end of IDLE', limitMs, over, wire.print);
      };
    },
    async waitForBye(limitMs) {
      await within('BYE', limitMs, ended, wire.print);
      return bye ?? '';
    },
    close: () => socket.destroy(),
  };
}

/** An IMAP quoted string. Names outside ASCII must be in modified UTF-7 already. */
export function quoted(text: string): string {
  if (/[\r\n\0]/.test(text)) throw new Error('not possible in a quoted string: CR, LF or NUL');
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
