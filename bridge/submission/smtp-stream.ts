/** One connection to Postfix's re-injection service: answers in order, each to the command that waits for it, and the end of it known. */
import net from 'node:net';

export interface Reply {
  readonly code: number;
  readonly text: string;
}

/** Refused or out of reach; `code` is what the client is to be told. */
export class NotTaken extends Error {
  readonly code: number;
  /** The connection was closed, or is being closed (421): nothing was said of the message itself. */
  readonly hungUp: boolean;
  constructor(code: number, text: string, hungUp = false) {
    super(text);
    this.code = code;
    this.hungUp = hungUp;
  }
}

const DOWN = '4.3.0 the message could not be handed back to the mail server: try again';

/** 4xx and 5xx go to the client as they are; anything else is a server that isn't itself. */
export function expectCode({ code, text }: Reply, expected: number): Reply {
  if (code === expected) return { code, text };
  throw new NotTaken(code >= 400 && code <= 599 ? code : 451, text || DOWN, code === 421);
}

/** RFC 5321 section 4.5.3.1.5 grants a line of a reply 512 bytes. */
const LONGEST_LINE = 4096;
/** Of one reply. */
const MOST_LINES = 100;
/** Replies that come before they are asked for: those to a pipelined envelope, of thousands of recipients at most. */
const MOST_READY = 20_000;

export interface Wire {
  /** The answer that is due next. */
  next(): Promise<Reply>;
  /** Whether every answer has been taken: one that is there before its question is of no use. */
  inStep(): boolean;
  /** False where more may be written only after {@link drained}. */
  send(bytes: string | Buffer): boolean;
  drained(): Promise<void>;
  /** Nothing is expected: whatever comes, or so many milliseconds without a message, ends the connection. */
  rest(ms: number, ended: () => void): void;
  wake(): void;
  /** Ends in peace. */
  quit(): void;
  destroy(): void;
}

export function openWire(address: { readonly host: string; readonly port: number }, replyMs: number): Wire {
  const socket = net.connect({ ...address, noDelay: true });
  const ready: Reply[] = [];
  let waiting: { resolve(reply: Reply): void; reject(error: Error): void } | undefined;
  let failure: Error | undefined;
  /** While nothing is expected: whom to tell of the end. */
  let resting: (() => void) | undefined;
  let rest = '';
  let lines: string[] = [];
  const fail = (hungUp: boolean) => {
    clearTimeout(late);
    failure ??= new NotTaken(451, DOWN, hungUp);
    socket.destroy();
    waiting?.reject(failure);
    waiting = undefined;
    resting?.();
    resting = undefined;
  };
  const quit = () => {
    socket.end('QUIT\r\n', () => fail(true)); // the farewell may get lost
  };
  socket.setEncoding('utf8');
  socket.on('data', (text) => {
    if (resting !== undefined) return fail(true); // 421: it has waited for too long
    const whole = (rest + text).split('\r\n');
    rest = whole.pop() ?? '';
    if (rest.length > LONGEST_LINE || lines.length > MOST_LINES) return fail(false);
    if (ready.length > MOST_READY) {
      ready.length = 0; // none of them is an answer to anything
      return fail(false);
    }
    for (const line of whole) {
      if (!/^\d{3}(?:[ -]|$)/.test(line)) return fail(false);
      lines.push(line.slice(4));
      if (line[3] === '-') continue;
      const reply = { code: Number(line.slice(0, 3)), text: lines.join('\n') };
      lines = [];
      waited();
      if (waiting === undefined) ready.push(reply);
      else waiting.resolve(reply);
      waiting = undefined;
    }
  });
  socket.on('error', () => fail(true));
  socket.on('close', () => fail(true));
  socket.on('timeout', () => {
    if (resting === undefined) fail(false);
    else quit();
  });
  let late: NodeJS.Timeout | undefined;
  /** Only while it is Postfix that we wait for: the client may take its time. */
  const wait = () => socket.setTimeout(replyMs);
  const waited = () => {
    socket.setTimeout(0);
    clearTimeout(late);
  };
  return {
    next: () => {
      const reply = ready.shift();
      if (reply !== undefined) return Promise.resolve(reply);
      if (failure !== undefined) return Promise.reject(failure);
      late = setTimeout(() => fail(false), replyMs); // the whole reply, not only its next line
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
      });
    },
    inStep: () => ready.length === 0 && lines.length === 0 && rest === '',
    send: (bytes) => {
      if (failure !== undefined) throw failure;
      return socket.write(bytes);
    },
    drained: () =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        wait();
        const settle = () => {
          waited();
          socket.off('drain', settle);
          socket.off('close', settle);
          if (failure === undefined) resolve();
          else reject(failure);
        };
        socket.once('drain', settle);
        socket.once('close', settle);
      }),
    rest: (ms, ended) => {
      if (failure !== undefined) return ended();
      resting = ended;
      socket.setTimeout(ms);
    },
    wake: () => {
      resting = undefined;
      waited();
    },
    quit,
    destroy: () => socket.destroy(),
  };
}
