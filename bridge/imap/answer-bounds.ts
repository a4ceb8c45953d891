/**
 * What an IMAP server may say and how long it may take, so that one that is broken or hostile neither fills our memory nor keeps us for
 * ever. A line and a literal are bounded by imapflow; what one command is answered, its time, and how long the server may say nothing, here.
 */
import type { ImapFlowOptions } from 'imapflow';

const MB = 1024 * 1024;

/** The longest lines that servers send us: an ACL of thousands of entries, an ENVELOPE with thousands of recipients. */
export const LINE_BOUNDS = {
  maxLineLength: MB,
  maxLiteralSize: MB,
  maxResponseSize: 4 * MB,
  maxResponseTokens: 100_000,
} satisfies ImapFlowOptions;

/** LIST with STATUS of 10,000 folders is 20,000 lines and 2 MB. */
export const MOST_LINES = 100_000;
const MOST_BYTES = 16 * MB;
/** Of the time in which a server may be silent: how long a whole command may take, and how long it may be silent over one that is patient. */
export const PATIENCE = 10;
const LOOK_MS = 100;

const TOO_LONG = new Set(['LineTooLarge', 'LiteralTooLarge', 'ResponseTooLarge', 'TooManyTokens']);

/** Whether imapflow ended the connection over {@link LINE_BOUNDS}. */
export function isOverlong(error: unknown): boolean {
  return TOO_LONG.has(String((error as { code?: unknown } | undefined)?.code));
}

export const OVERLONG = 'answered with a line that does not end';

export interface Watched {
  /** A command was handed over, and was done with: answered in the order in which they were. Those that wait for their turn don't count. */
  begun(command: string, patient: boolean): void;
  done(): void;
  readonly busy: boolean;
}

/** Why a server was given up: it says too much, or says nothing about a command for so long. */
export type GivenUp = string | { readonly command: string; readonly silentMs: number };

/**
 * @param received bytes that the connection has received so far
 * @param giveUp called once, with the reason, when a command's answer has no end, or doesn't begin
 */
export function watchAnswers(timeoutMs: number, received: () => number, giveUp: (why: GivenUp) => void): Watched {
  const patienceMs = timeoutMs * PATIENCE;
  const pending: { readonly command: string; readonly silentMs: number }[] = [];
  let heard = 0;
  let heardAt = 0;
  let bytes = 0;
  let since = 0;
  let timer: NodeJS.Timeout | undefined;
  const anew = () => {
    bytes = received();
    since = Date.now();
    heard = bytes;
    heardAt = since;
  };
  const look = () => {
    if (received() !== heard) {
      heard = received();
      heardAt = Date.now();
    }
    const [first] = pending;
    if (first !== undefined && Date.now() - heardAt > first.silentMs) giveUp(first);
    else if (received() - bytes > MOST_BYTES) giveUp(`answered one command with more than ${MOST_BYTES / MB} MB`);
    else if (Date.now() - since > patienceMs) giveUp(`took more than ${patienceMs / 1000} s over one command`);
    else return;
    clearInterval(timer);
  };
  return {
    begun: (command, patient) => {
      if (pending.push({ command, silentMs: patient ? patienceMs : timeoutMs }) > 1) return;
      anew();
      timer = setInterval(look, LOOK_MS);
      timer.unref();
    },
    done: () => {
      anew();
      pending.shift();
      if (pending.length === 0) clearInterval(timer);
    },
    get busy() {
      return pending.length > 0;
    },
  };
}
