/**
 * Where Postfix brings the copies (LMTP, RFC 2033): its queue keeps and retries them, so that no message with its patients ever lies
 * in a spool of ours. What is taken is stored when we say so; everything else is answered 4xx, and 5xx only where it can never work.
 */
import { Semaphore } from 'async-mutex';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { Failure } from '../shared/failure.ts';
import type { KeepCopy, Kept } from './copy.ts';
import { type CopyTicket, readTicket } from './copy-address.ts';

export interface CopyReception {
  /** The domain that only this site's Postfix knows. */
  readonly domain: string;
  /**
   * How long after its sending a copy is stored at the earliest: a mail client that saves one itself does so after the server has
   * taken the message, and the later of the two finds the other.
   */
  readonly delayMs: number;
  readonly keep: KeepCopy;
}

/** IMAP's APPEND wants to know the size beforehand, so a message is held whole; all of those that are in hand, no more than this. */
const IN_HAND = 64 * 1024 * 1024;
/** More than any Postfix is told to take (message_size_limit); doctor compares. */
export const LARGEST_COPY = 150 * 1024 * 1024;
/** At the end: who is cut off then tries again. */
const CLOSING_MS = 10_000;
/** What a message weighs whose size nobody has announced. */
const UNKNOWN_SIZE = 1024 * 1024;

/** Not yet listening. */
export function copyServer({ domain: given, delayMs, keep }: CopyReception): SMTPServer {
  const domain = given.toLowerCase();
  const inHand = new Semaphore(IN_HAND);
  return new SMTPServer({
    lmtp: true,
    banner: 'mandat, copies for Sent folders',
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    size: LARGEST_COPY,
    closeTimeout: CLOSING_MS,
    maxRecipients: 1, // one ticket, one answer
    hideENHANCEDSTATUSCODES: true, // ours stand in the texts
    onRcptTo: ({ address }, _session, callback) => {
      const ticket = ticketOf(address, domain);
      if (ticket === undefined) return callback(reply(550, '5.1.1 no such address'));
      const early = ticket.sentAt.getTime() + delayMs - Date.now();
      setTimeout(callback, Math.min(Math.max(early, 0), delayMs)); // here, where no message is held yet
    },
    onData: (stream, session, callback) => {
      const answer = async () => {
        const ticket = ticketOf(session.envelope.rcptTo[0]?.address ?? '', domain);
        if (ticket === undefined) return reply(550, '5.1.1 no such address');
        const [, release] = await inHand.acquire(weightOf(session)); // unread meanwhile, so Postfix waits
        try {
          const message = await whole(stream);
          return message === undefined ? reply(552, '5.3.4 message too big') : replyTo(await keep(ticket, message));
        } finally {
          release();
        }
      };
      answer().then(
        (said) => (said instanceof Error ? callback(said) : callback(null, said)),
        () => callback(reply(451, '4.3.0 not stored')), // it broke off, or a defect of ours
      );
    },
  });
}

function ticketOf(address: string, domain: string): CopyTicket | undefined {
  const at = address.lastIndexOf('@');
  return address.slice(at + 1).toLowerCase() === domain ? readTicket(address.slice(0, at)) : undefined;
}

function weightOf({ envelope: { mailFrom } }: SMTPServerSession): number {
  const announced = mailFrom === false ? NaN : Number((mailFrom.args as { SIZE?: string } | undefined)?.SIZE);
  return Math.min(IN_HAND, announced > 0 ? announced : UNKNOWN_SIZE);
}

/** Undefined when it is larger than we take. */
async function whole(stream: SMTPServerDataStream): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    if (stream.sizeExceeded) chunks.length = 0;
    else chunks.push(chunk);
  }
  return stream.sizeExceeded ? undefined : Buffer.concat(chunks);
}

/** What the queue shows, and Postfix's log; hence whose mailbox it is about, and nothing of the message. */
function replyTo(kept: Kept): Error | string {
  if (kept.kind !== 'failed') return `2.0.0 ${kept.kind === 'stored' ? 'stored' : 'it is there already'}`;
  const { failure, forGood } = kept;
  if (!forGood) return reply(451, `${TEMPORARY[failure.rule ?? ''] ?? '4.3.0'} ${told(failure)}`);
  return reply(
    550,
    `${failure.code === 'absent' ? '5.1.1' : failure.code === 'refused' ? '5.7.1' : '5.3.4'} ${told(failure)}`,
  );
}

/** RFC 3463. */
const TEMPORARY: Readonly<Record<string, string>> = { OVERQUOTA: '4.2.2', NO_ACCOUNT: '4.2.1' };

const LONGEST = 400; // a reply line takes 512 octets, RFC 5321 section 4.5.3.1.5

const told = ({ message, hint }: Failure) =>
  (hint === '' ? message : `${message}; ${hint}`).replace(/[^\x20-\x7e]+/g, '?').slice(0, LONGEST);

function reply(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}
