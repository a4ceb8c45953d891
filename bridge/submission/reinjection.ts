/**
 * Hands one message back to Postfix, in a connection of its own. Commands are pipelined where that is offered (RFC 2920); nothing of the
 * message is sent before every recipient is accepted, and without the final dot Postfix drops what it has: a message that can't be
 * finished is never half sent.
 */
import net from 'node:net';

export interface Reply {
  readonly code: number;
  readonly text: string;
}

/** Refused or out of reach; `code` is what the client is to be told. */
export class NotTaken extends Error {
  readonly code: number;
  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

export interface Transaction {
  readonly xforward: readonly string[];
  readonly mail: string;
  readonly recipients: readonly string[];
  /** Commands for more recipients, without whom the message goes all the same. */
  readonly extra?: readonly string[];
}

export interface Delivery {
  /** Of the extra commands, those that Postfix has taken. */
  readonly taken: readonly string[];
  /** Dots are stuffed here. Resolves when more may be written. */
  write(chunk: Buffer): Promise<void>;
  /** The final dot, and Postfix's answer to it. */
  finish(): Promise<Reply>;
  /** Drops the message. */
  abandon(): void;
}

export interface Limits {
  /** Less than Postfix waits for us (smtpd_proxy_timeout, 100 s). */
  readonly replyMs: number;
}

const DOWN = '4.3.0 the message could not be handed back to the mail server: try again';

export async function beginDelivery(
  address: { readonly host: string; readonly port: number },
  { xforward, mail, recipients, extra = [] }: Transaction,
  { replyMs }: Limits,
): Promise<Delivery> {
  const socket = net.connect({ ...address, noDelay: true });
  const wire = replies(socket, replyMs);
  const taken: string[] = [];
  try {
    expectCode(await wire.next(), 220);
    socket.write('EHLO mandat.localhost\r\n');
    const hello = expectCode(await wire.next(), 250);
    const offers = (word: string) => hello.text.split('\n').some((line) => line.toUpperCase().split(' ')[0] === word);
    const commands = [
      ...(offers('XFORWARD') ? xforward : []).map((line) => ({ line, code: 250 })),
      { line: mail, code: 250 },
      ...recipients.map((line) => ({ line, code: 250 })),
      ...extra.map((line) => ({ line, code: undefined })),
    ];
    const answered = async ({ line, code }: (typeof commands)[number]) => {
      const reply = await wire.next();
      if (code !== undefined) expectCode(reply, code);
      else if (reply.code === 250) taken.push(line);
      else if (reply.code === 421) throw new NotTaken(421, reply.text); // Postfix goes, with the message
    };
    if (offers('PIPELINING')) {
      socket.write(commands.map(({ line }) => `${line}\r\n`).join(''));
      for (const command of commands) await answered(command);
    } else {
      for (const command of commands) {
        socket.write(`${command.line}\r\n`);
        await answered(command);
      }
    }
    socket.write('DATA\r\n');
    expectCode(await wire.next(), 354);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const dots = stuffing();
  return {
    taken,
    write: async (chunk) => {
      if (wire.failed() !== undefined) throw wire.failed();
      if (!socket.write(dots.stuff(chunk))) await wire.drained();
    },
    finish: async () => {
      socket.write(dots.atLineStart() ? '.\r\n' : '\r\n.\r\n');
      try {
        const reply = expectCode(await wire.next(), 250);
        socket.end('QUIT\r\n');
        return reply;
      } catch (error) {
        socket.destroy();
        throw error;
      }
    },
    abandon: () => socket.destroy(),
  };
}

/** 4xx and 5xx go to the client as they are; anything else is a server that isn't itself. */
function expectCode(reply: Reply, code: number): Reply {
  if (reply.code === code) return reply;
  throw new NotTaken(reply.code >= 400 && reply.code <= 599 ? reply.code : 451, reply.text || DOWN);
}

function replies(socket: net.Socket, replyMs: number) {
  const ready: Reply[] = [];
  let waiting: { resolve(reply: Reply): void; reject(error: Error): void } | undefined;
  let patience: NodeJS.Timeout | undefined;
  /** Only while it is Postfix that we wait for: a client may take its time. */
  const wait = () => {
    clearTimeout(patience);
    patience = setTimeout(fail, replyMs);
  };
  let failure: Error | undefined;
  let rest = '';
  let lines: string[] = [];
  const fail = () => {
    failure ??= new NotTaken(451, DOWN);
    clearTimeout(patience);
    socket.destroy();
    waiting?.reject(failure);
    waiting = undefined;
  };
  socket.setEncoding('utf8');
  socket.on('data', (text) => {
    const whole = (rest + text).split('\r\n');
    rest = whole.pop() ?? '';
    if (rest.length > 4096 || lines.length > 100) return fail();
    for (const line of whole) {
      if (!/^\d{3}(?:[ -]|$)/.test(line)) return fail();
      lines.push(line.slice(4));
      if (line[3] === '-') continue;
      const reply = { code: Number(line.slice(0, 3)), text: lines.join('\n') };
      lines = [];
      clearTimeout(patience);
      if (waiting === undefined) ready.push(reply);
      else waiting.resolve(reply);
      waiting = undefined;
    }
  });
  socket.on('error', fail);
  socket.on('close', fail);
  return {
    failed: () => failure,
    next: (): Promise<Reply> => {
      const reply = ready.shift();
      if (reply !== undefined) return Promise.resolve(reply);
      if (failure !== undefined) return Promise.reject(failure);
      wait();
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
      });
    },
    drained: (): Promise<void> =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        wait();
        const settle = () => {
          clearTimeout(patience);
          socket.off('drain', settle);
          socket.off('close', settle);
          if (failure === undefined) resolve();
          else reject(failure);
        };
        socket.once('drain', settle);
        socket.once('close', settle);
      }),
  };
}

/** A dot before each line that begins with one (RFC 5321 section 4.5.2). A bare LF, which begins a line for some, is refused. */
function stuffing() {
  let last = 0x0a;
  return {
    atLineStart: () => last === 0x0a,
    stuff: (chunk: Buffer): Buffer => {
      const parts: Buffer[] = [];
      let from = 0;
      if (chunk[0] === DOT && last === LF) parts.push(ONE_DOT);
      if (chunk[0] === LF && last !== CR) throw new NotTaken(554, '5.6.0 a line ends with LF alone');
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
        if (at > 0 && chunk[at - 1] !== CR) throw new NotTaken(554, '5.6.0 a line ends with LF alone');
        if (chunk[at + 1] !== DOT) continue;
        parts.push(chunk.subarray(from, at + 1), ONE_DOT);
        from = at + 1;
      }
      last = chunk[chunk.length - 1] ?? last;
      if (parts.length === 0) return chunk;
      parts.push(chunk.subarray(from));
      return Buffer.concat(parts);
    },
  };
}

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
const ONE_DOT = Buffer.from('.');
