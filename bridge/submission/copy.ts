/**
 * One copy for an owner's Sent, from its ticket to the folder: vouched for, once, and what came of it noted. Nothing is thrown: what
 * fails is for Postfix to try again, and for status to show.
 */
import type { Logger } from 'pino';
import { Failure, failureOf } from '../failure.ts';
import type { DelegationDb } from '../store/delegation-db.ts';
import { COPY_DAYS } from '../store/submission-trail.ts';
import type { Copy, Note } from '../store/submissions.ts';
import { type CopyTicket, isVouchedFor } from './copy-address.ts';
import { headerOf, messageIdIn } from './message-id.ts';

/** Satisfied by bridge/imap/sent.ts. */
export interface SentFolders {
  /** As the owner, the identity proven; of an account that has such a folder. */
  open(login: string): Promise<SentFolder>;
}

export interface SentFolder {
  /** Whether a message with exactly this Message-ID lies there that came in since that day. */
  holds(messageId: string, since: Date): Promise<boolean>;
  /** Stores it, read, with this date. */
  append(message: Buffer, at: Date): Promise<void>;
  close(): void;
}

export type Kept =
  | { readonly kind: 'stored' | 'there' }
  /** `forGood`: it can never be stored. */
  | { readonly kind: 'failed'; readonly failure: Failure; readonly forGood: boolean };

export interface CopySite {
  readonly key: Buffer;
  readonly table: DelegationDb;
  readonly sent: SentFolders;
  isStored(nonce: string): Promise<boolean>;
  note(note: Note): Promise<void>;
  readonly log: Logger;
  now(): Date;
}

export type KeepCopy = (ticket: CopyTicket, message: Buffer) => Promise<Kept>;

export function copyKeeper(site: CopySite): KeepCopy {
  const inTurn = openTurns();
  return async (ticket, message) => {
    const messageId = messageIdIn(headerOf(message));
    const doubt = doubtOf(site, ticket, messageId);
    if (doubt !== undefined) {
      site.log.warn({ mailboxId: ticket.mailboxId }, doubt.message); // and noted nowhere: who guesses addresses shall fill no table
      return { kind: 'failed', failure: doubt, forGood: true };
    }
    const mailbox = await mailboxOf(site.table, ticket.mailboxId);
    const once = async ({ login }: { readonly login: string }): Promise<Kept> =>
      (await site.isStored(ticket.nonce)) // and our answer was lost
        ? { kind: 'there' }
        : stored(site.sent, login, ticket.sentAt, messageId, message);
    const kept = mailbox === undefined ? GONE : await inTurn(mailbox.login, () => once(mailbox));
    await noted(site, ticket, mailbox?.address ?? `(mailbox ${ticket.mailboxId})`, kept);
    return kept;
  };
}

/**
 * One copy at a time in a mailbox: a client that sends to many recipients in several parts gives them one Message-ID, and two copies
 * that look at once would both find nothing.
 */
function openTurns() {
  const turns = new Map<string, Promise<unknown>>();
  return <T>(login: string, work: () => Promise<T>): Promise<T> => {
    const before = turns.get(login) ?? Promise.resolve();
    const mine = before.then(work, work);
    turns.set(login, mine);
    return mine.finally(() => {
      if (turns.get(login) === mine) turns.delete(login);
    });
  };
}

function doubtOf({ key, now }: CopySite, ticket: CopyTicket, messageId: string | undefined): Failure | undefined {
  if (!isVouchedFor(key, ticket, messageId)) {
    return new Failure('refused', 'a copy was refused: mandat did not make its address for this message');
  }
  if (now().getTime() - ticket.sentAt.getTime() > COPY_DAYS * 86_400_000) {
    return new Failure('refused', `a copy was refused: its message was sent more than ${COPY_DAYS} days ago`);
  }
  return undefined;
}

const GONE: Kept = {
  kind: 'failed',
  failure: new Failure('absent', 'the mailbox has left the table since', 'who removed it, "mandat audit" tells'),
  forGood: true,
};

async function mailboxOf(table: DelegationDb, id: number) {
  return table.query.selectFrom('mailboxes').select(['address', 'login']).where('id', '=', id).executeTakeFirst();
}

/** What no waiting mends: the message is larger than the server takes. RFC 7889, RFC 9051 section 7.1. */
const TOO_BIG = ['TOOBIG', 'APPENDLIMIT'];

/** A mail client that saves a copy itself does so at about the time of sending; a day more for its zone. */
const TWIN_SINCE_MS = 2 * 86_400_000;

async function stored(
  sent: SentFolders,
  login: string,
  sentAt: Date,
  messageId: string | undefined,
  message: Buffer,
): Promise<Kept> {
  try {
    const folder = await sent.open(login);
    try {
      const since = new Date(sentAt.getTime() - TWIN_SINCE_MS);
      if (messageId !== undefined && (await folder.holds(messageId, since))) return { kind: 'there' };
      await folder.append(message, sentAt);
      return { kind: 'stored' };
    } finally {
      folder.close();
    }
  } catch (error) {
    const failure = failureOf(error);
    return { kind: 'failed', failure, forGood: TOO_BIG.includes(failure.rule ?? '') };
  }
}

async function noted({ note, log, now }: CopySite, { nonce, sentAt }: CopyTicket, mailbox: string, kept: Kept) {
  const at = now().toISOString();
  const copy: Copy = { nonce, mailbox, sentAt: sentAt.toISOString() };
  if (kept.kind !== 'failed') {
    log.info(
      { mailbox, copy: nonce },
      kept.kind === 'stored' ? 'copy stored' : 'copy not needed: the message is there',
    );
    return note({ kind: 'copy-stored', copy, at });
  }
  const { code, message, hint } = kept.failure;
  log.error({ mailbox, copy: nonce, code, hint, forGood: kept.forGood }, message);
  return note({ kind: 'copy-failed', copy, at, failure: { code, message, hint }, forGood: kept.forGood });
}
