/**
 * Hands messages back to Postfix. Commands go out in one write where that is offered (RFC 2920), DATA too, but nothing of the message
 * before every recipient is accepted; and without the final dot Postfix drops what it has: a message that can't be finished is never
 * half sent. A connection that has taken a message takes the next one, which spares Postfix an accept and a greeting; after anything
 * but 250, or an answer out of step, it is gone.
 */
import { stuffing } from './dot-stuffing.ts';
import { expectCode, NotTaken, openWire, type Reply, type Wire } from './smtp-stream.ts';

/** Commands, in latin1: octet by octet as they are to go out. */
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
  /** How long a connection waits for its next message. */
  readonly idleMs?: number;
}

export interface Reinjection {
  begin(transaction: Transaction): Promise<Delivery>;
  /** Connections without a message are closed; those that have one close after it. */
  close(): void;
}

/** Each one idle holds an smtpd process. */
const IDLE_MS = 3000;
/** As often as Postfix uses a process itself (max_use): a reload reaches it in the end though there is always a next message. */
const MOST_MESSAGES = 100;

interface Connection {
  readonly wire: Wire;
  readonly offers: (word: string) => boolean;
  messages: number;
}

export function openReinjection(
  address: { readonly host: string; readonly port: number },
  { replyMs, idleMs = IDLE_MS }: Limits,
): Reinjection {
  /** The last one used is the next one used, so that the others may go. */
  const idle: Connection[] = [];
  let closed = false;

  const keep = (connection: Connection) => {
    if (closed || ++connection.messages >= MOST_MESSAGES || !connection.wire.inStep()) return connection.wire.quit();
    idle.push(connection);
    connection.wire.rest(idleMs, () => {
      const at = idle.indexOf(connection);
      if (at >= 0) idle.splice(at, 1);
    });
  };
  const begin = async (transaction: Transaction): Promise<Delivery> => {
    const used = idle.pop();
    if (used === undefined) return beginOn(await connect(address, replyMs), transaction, keep);
    used.wire.wake();
    try {
      return await beginOn(used, transaction, keep);
    } catch (error) {
      // Postfix has hung up on a connection that was idle. It has nothing of the message yet, so that it can't come twice.
      if (!(error instanceof NotTaken && error.hungUp)) throw error;
      return beginOn(await connect(address, replyMs), transaction, keep);
    }
  };
  return {
    begin,
    close: () => {
      closed = true;
      for (const { wire } of idle.splice(0)) wire.quit();
    },
  };
}

async function connect(address: { readonly host: string; readonly port: number }, replyMs: number) {
  const wire = openWire(address, replyMs);
  try {
    expectCode(await wire.next(), 220);
    wire.send('EHLO mandat.localhost\r\n');
    const words = expectCode(await wire.next(), 250)
      .text.split('\n')
      .map((line) => line.toUpperCase().split(' ')[0]);
    return { wire, offers: (word: string) => words.includes(word), messages: 0 };
  } catch (error) {
    wire.destroy();
    throw error;
  }
}

/** `keep` gets the connection back after 250. */
async function beginOn(
  connection: Connection,
  { xforward, mail, recipients, extra = [] }: Transaction,
  keep: (connection: Connection) => void,
): Promise<Delivery> {
  const { wire, offers } = connection;
  const taken: string[] = [];
  try {
    const commands = [
      ...(offers('XFORWARD') ? xforward : []).map((line) => ({ line, code: 250 })),
      { line: mail, code: 250 },
      ...recipients.map((line) => ({ line, code: 250 })),
      ...extra.map((line) => ({ line, code: undefined })),
      { line: 'DATA', code: 354 },
    ];
    const pipelined = offers('PIPELINING');
    if (pipelined) wire.send(octets(commands.map(({ line }) => `${line}\r\n`).join('')));
    for (const { line, code } of commands) {
      if (!pipelined) wire.send(octets(`${line}\r\n`));
      const reply = await wire.next();
      if (code !== undefined) expectCode(reply, code);
      else if (reply.code === 250) taken.push(line);
      else if (reply.code === 421) expectCode(reply, 250); // Postfix goes, with the message
    }
  } catch (error) {
    wire.destroy();
    throw error;
  }
  const dots = stuffing();
  return {
    taken,
    write: async (chunk) => {
      if (!wire.send(dots.stuff(chunk))) await wire.drained();
    },
    finish: async () => {
      try {
        if (!wire.inStep()) expectCode(await wire.next(), NONE); // it can't be the answer to a dot that wasn't sent
        wire.send(dots.atLineStart() ? '.\r\n' : '\r\n.\r\n');
        const reply = expectCode(await wire.next(), 250);
        keep(connection);
        return reply;
      } catch (error) {
        wire.destroy();
        throw error;
      }
    },
    abandon: () => wire.destroy(),
  };
}

const NONE = 0;

const octets = (text: string): Buffer => Buffer.from(text, 'latin1');
