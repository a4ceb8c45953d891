/**
 * The submission filter, behind Postfix's smtpd_proxy_filter: the header is held and judged, then header and body stream back
 * to Postfix, one message at a time on a connection. 250 is said only after Postfix has said it for the message handed back; whatever fails
 * before is 4xx, and the client keeps its message. Nothing is spooled here.
 */

import type { Logger } from 'pino';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { oneLine } from '../shared/harmless-text.ts';
import type { Authority } from './authority.ts';
import { type Envelope, mailFor, saysUtf8 } from './envelope.ts';
import { type Fingerprinting, fingerprinting } from './fingerprint.ts';
import { greetAtOnce } from './greeting.ts';
import { chunksOf, drain, LONGEST_HEADER, readHead } from './header-block.ts';
import { type Judging, judge } from './judge.ts';
import { closeDoor, type Door, openDoor } from './listening-place.ts';
import { type Outcome, type Seen, tell } from './message-outcome.ts';
import { type Delivery, openReinjection } from './reinjection.ts';
import { takeCommands } from './smtp-commands.ts';
import { NotTaken, type Reply } from './smtp-stream.ts';

/** What stands behind the door, and may change while it is open. */
export interface Behind {
  readonly reinject: { readonly host: string; readonly port: number };
  readonly authority: Authority;
  readonly rules: Judging;
  /** More recipients of a message that goes out for these owners, given with NOTIFY=NEVER. */
  readonly extraRecipients?: (owners: readonly string[], messageId: string | null) => Promise<readonly string[]>;
  /** Called once a message. A failure of it is logged, and changes nothing for the client. */
  readonly observe?: (seen: Seen) => void | Promise<void>;
}

export interface FilterOptions extends Behind {
  readonly door: Door;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** How long Postfix may take for an answer, and a client between two pieces of what it sends. */
  readonly replyMs?: number;
  readonly clientMs?: number;
  /** How long a connection back to Postfix waits for its next message. */
  readonly idleMs?: number;
  /** Told the code of each answer to a message, once it is known. */
  readonly answered?: (code: number) => void;
}

export interface Filter {
  /** From the next DATA on; a message in hand is finished as it began. */
  adopt(behind: Behind): void;
  close(): Promise<void>;
}

const BUSY = '4.3.0 the submission filter has failed: try again';
/** Less than smtpd_proxy_timeout, so that the answer is ours. */
const REPLY_MS = 90_000;
/** As long as Postfix waits for its own clients (smtpd_timeout). */
const CLIENT_MS = 300_000;

export async function startFilter(options: FilterOptions): Promise<Filter> {
  const { log, replyMs = REPLY_MS, clientMs = CLIENT_MS, idleMs, answered = () => {} } = options;
  const adopted = (behind: Behind) => ({
    ...behind,
    reinjection: openReinjection(behind.reinject, { replyMs, ...(idleMs === undefined ? {} : { idleMs }) }),
  });
  let current = adopted(options);

  const onData = (
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    callback: (error?: Error | null, message?: string) => void,
  ) => {
    const envelope = envelopeOf(session);
    const work =
      envelope === undefined ? Promise.reject(new Error('DATA without MAIL')) : handle(stream, envelope, current);
    work.then(
      ({ code, text }) => {
        answered(code);
        return code === 250 ? callback(null, text) : callback(refusal(code, text));
      },
      (error: unknown) => {
        answered(451);
        log.error({ err: (error as Error).message }, 'a message could not be judged: the client keeps it');
        callback(refusal(451, BUSY));
      },
    );
  };

  /** Never rejects but for a client that is gone in the middle. */
  async function handle(stream: SMTPServerDataStream, envelope: Envelope, behind: typeof current): Promise<Reply> {
    const chunks = chunksOf(stream);
    const told = async (outcome: Omit<Outcome, 'owners' | 'extra' | 'forged' | 'content'> & Partial<Outcome>) => {
      const whole = { owners: [], extra: [], forged: null, content: null, ...outcome };
      await tell(whole, envelope, stream.byteLength, log, behind.observe);
      return outcome.reply;
    };
    const head = await readHead(chunks);
    if (head.kind === 'too-long') {
      await drain(chunks);
      const reply = { code: 552, text: `5.3.4 the header is longer than ${LONGEST_HEADER} bytes` };
      return told({ login: null, messageId: null, verdict: 'refuse', reply });
    }
    const spoken = { mailFrom: envelope.mail.address, utf8: saysUtf8(envelope.mail) };
    const { verdict, login, messageId, header } = await judge(head.block, spoken, behind.authority, behind.rules);
    if (verdict.kind !== 'pass') {
      await drain(chunks);
      const { kind, code, text } = verdict;
      const forged = (kind === 'refuse' ? verdict.forged : undefined) ?? null;
      return told({ login, messageId, verdict: kind, reply: { code, text }, forged });
    }
    const extra = (await behind.extraRecipients?.(verdict.owners, messageId)) ?? [];
    const replay = { ...envelope, mail: mailFor(envelope.mail, login ?? '') };
    // As it came, before anybody has changed it: so a mail client saves its own copy.
    const print = extra.length > 0 ? fingerprinting() : undefined;
    print?.update(head.block);
    print?.update(head.rest);
    const rest = print === undefined ? chunks : seenBy(chunks, print);
    const { reply, taken } = await handBack(rest, Buffer.concat([header, head.rest]), replay, extra, behind);
    const tried = extra.map((address) => ({ address, taken: taken.includes(address) }));
    return told({
      login,
      owners: verdict.owners,
      messageId,
      verdict: 'pass',
      reply,
      extra: tried,
      content: print?.end()?.content ?? null,
    });
  }

  async function handBack(
    chunks: AsyncIterator<Buffer>,
    first: Buffer,
    { xforward, mail, recipients }: Omit<Envelope, 'mail'> & { readonly mail: string },
    extra: readonly string[],
    { reinjection }: typeof current,
  ): Promise<{ readonly reply: Reply; readonly taken: readonly string[] }> {
    const more = new Map(extra.map((address) => [`RCPT TO:<${address}> NOTIFY=NEVER`, address]));
    const transaction = {
      xforward,
      mail,
      recipients: recipients.map(({ command }) => command),
      extra: [...more.keys()],
    };
    let delivery: Delivery | undefined;
    try {
      delivery = await reinjection.begin(transaction);
      await delivery.write(first);
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next())
        await delivery.write(next.value);
      const taken = delivery.taken.flatMap((command) => more.get(command) ?? []);
      return { reply: await delivery.finish(), taken };
    } catch (error) {
      delivery?.abandon();
      if (!(error instanceof NotTaken)) throw error; // the client is gone
      await drain(chunks);
      return { reply: { code: error.code, text: error.message }, taken: [] };
    }
  }

  const server = new SMTPServer({
    name: 'mandat.localhost',
    banner: 'submission filter',
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    useXForward: true,
    disableReverseLookup: true,
    hideENHANCEDSTATUSCODES: true, // the codes are in our texts
    hideDSN: false,
    socketTimeout: clientMs,
    closeTimeout: 5000,
    logger: false,
    onData,
  });
  const envelopeOf = takeCommands(server);
  server.on('error', () => {}); // of one connection: its client is gone
  greetAtOnce(server);
  await openDoor(server.server, options.door);
  return {
    adopt: (behind) => {
      current.reinjection.close();
      current = adopted(behind);
    },
    close: async () => {
      await closeDoor(server, options.door);
      current.reinjection.close();
    },
  };
}

/** One line: a multi-line answer of Postfix is joined. It may quote the message, and mail programs show it. */
function refusal(code: number, text: string): Error {
  return Object.assign(new Error(oneLine(text.replace(/\s*\n\s*/g, ' '))), { responseCode: code });
}

const seenBy = (chunks: AsyncIterator<Buffer>, print: Fingerprinting): AsyncIterator<Buffer> => ({
  next: async () => {
    const next = await chunks.next();
    if (next.done !== true) print.update(next.value);
    return next;
  },
});
