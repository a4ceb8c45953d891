/**
 * One copy for an owner's Sent, from its ticket to the folder: vouched for, once, and what came of it noted. Nothing is thrown: what
 * fails is for Postfix to try again, and for status to show.
 */

import type { Logger } from 'pino';
import { type Pause, pausedFailure } from '../safeguards/pause.ts';
import { Failure, failureOf } from '../shared/failure.ts';
import type { Copy, LookedFor, Note, SubmissionStore } from '../store/submissions/submission-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { ownEntry } from '../store/trail/sealing.ts';
import { COPY_DAYS } from '../store/trail/take-over-submissions.ts';
import { type CopyTicket, isVouchedFor } from './copy-address.ts';
import { fingerprintOf } from './fingerprint.ts';
import { headerOf, messageIdIn } from './message-id.ts';
import type { SentFolder } from './sent-folder.ts';
import type { SentSessions } from './sent-sessions.ts';
import { lookAfter } from './twin-look-times.ts';
import { type Sorted, sorted } from './twins.ts';

export type Kept =
  | { readonly kind: 'stored' | 'there' }
  /** `forGood`: it can never be stored. */
  | { readonly kind: 'failed'; readonly failure: Failure; readonly forGood: boolean };

export interface CopySite {
  readonly key: Buffer;
  readonly table: DelegationDb;
  /** The mail servers on which `sent` finds owners: this filter's own, and those that share folders with it. */
  readonly servers: readonly string[];
  readonly sent: SentSessions;
  readonly store: Pick<SubmissionStore, 'isStored' | 'submitted' | 'isCopy'>;
  note(...notes: readonly Note[]): Promise<void>;
  readonly log: Logger;
  /** Nothing is written to the servers then: copies wait in Postfix's queue. */
  isPaused(): Promise<Pause | undefined>;
  now(): Date;
}

export type KeepCopy = (ticket: CopyTicket, message: Buffer) => Promise<Kept>;

export function copyKeeper(site: CopySite): KeepCopy {
  return async (ticket, message) => {
    const messageId = messageIdIn(headerOf(message));
    const doubt = doubtOf(site, ticket, messageId);
    if (doubt !== undefined) {
      site.log.warn({ mailboxId: ticket.mailboxId }, doubt.message); // and noted nowhere: who guesses addresses shall fill no table
      return { kind: 'failed', failure: doubt, forGood: true };
    }
    const mailbox = await mailboxOf(site.table, ticket.mailboxId);
    const copy: Copy = {
      nonce: ticket.nonce,
      mailbox: mailbox?.address ?? `(mailbox ${ticket.mailboxId})`,
      sentAt: ticket.sentAt.toISOString(),
    };
    if (mailbox === undefined) return noted(site, copy, GONE);
    if (await site.store.isStored(ticket.nonce)) return { kind: 'there' }; // and our answer was lost
    const pause = await site.isPaused();
    if (pause !== undefined) {
      return { kind: 'failed', failure: pausedFailure(pause, 'the copy waits', 'retry'), forGood: false };
    }
    if (!site.servers.includes(mailbox.server)) return noted(site, copy, elsewhere(site, mailbox));
    const print = messageId === undefined ? undefined : fingerprintOf(message);
    const look =
      messageId === undefined || print === undefined
        ? undefined
        : { mailboxId: ticket.mailboxId, messageId, size: message.length, print };
    try {
      return await site.sent.inSent(mailbox.login, async (folder) => {
        if (await site.store.isStored(ticket.nonce)) return { kind: 'there' };
        const kept = await stored(site, folder, copy, look, () => folder.append(message, ticket.sentAt));
        return noted(site, copy, kept, look);
      });
    } catch (error) {
      const failure = failureOf(error);
      return noted(site, copy, { kind: 'failed', failure, forGood: TOO_BIG.includes(failure.rule ?? '') });
    }
  };
}

/** Ours is there already, or is stored; then what the mail client has saved itself is taken away. */
async function stored(
  site: CopySite,
  folder: SentFolder,
  copy: Copy,
  look: LookedFor | undefined,
  append: () => Promise<void>,
): Promise<Kept> {
  if (look === undefined) {
    await append();
    return { kind: 'stored' };
  }
  const { ours, twins } = await lookIn(site, folder, copy, look);
  if (ours === undefined) await append();
  if (twins.length > 0) {
    try {
      await replaceTwins(site, folder, copy, look);
    } catch (error) {
      site.log.warn({ mailbox: copy.mailbox, err: failureOf(error).message }, 'left to the next look'); // ours is stored
    }
  }
  return { kind: ours === undefined ? 'stored' : 'there' };
}

async function lookIn(
  { store }: CopySite,
  folder: SentFolder,
  { nonce, sentAt }: Copy,
  look: LookedFor,
): Promise<Sorted> {
  const since = new Date(Date.parse(sentAt) - TWIN_SINCE_MS);
  const lying = await folder.find(look.messageId, since, look.size);
  return sorted(lying, { print: look.print, submitted: await store.submitted(nonce) }, store.isCopy);
}

/** Takes away what a mail client has saved itself, where ours is seen in the folder, and says so in the trail. */
export async function replaceTwins(site: CopySite, folder: SentFolder, copy: Copy, look: LookedFor): Promise<void> {
  const { ours, twins } = await lookIn(site, folder, copy, look);
  if (ours === undefined) return;
  for (const twin of twins) {
    if (!(await folder.replace(twin, ours))) {
      site.log.warn(
        { mailbox: copy.mailbox },
        'a copy of a mail client stays beside ours: the IMAP server has no UIDPLUS',
      );
      return;
    }
    site.log.info({ mailbox: copy.mailbox, copy: copy.nonce }, 'copy of a mail client replaced by ours');
    const detail = { message_id: look.messageId };
    const line = { action: 'copy-replaced', mailbox: copy.mailbox, delegate: null, detail };
    await site.note({ kind: 'event', entry: ownEntry(site.now().toISOString(), line) });
  }
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

/** It may be moved back, or the servers be declared one cluster; an account of that name that is left here is not the owner's any more. */
function elsewhere({ servers: [here = ''] }: CopySite, { address, server }: { address: string; server: string }): Kept {
  const failure = new Failure(
    'refused',
    `${address} is on the mail server ${server}, and this filter stores copies on ${here}: nothing was stored here`,
    `its delegates send through a Postfix of ${server}; where both share folders, name both in [server] cluster`,
    { rule: 'MANDAT_OTHER_SERVER' },
  );
  return { kind: 'failed', failure, forGood: false };
}

export async function mailboxOf(table: DelegationDb, id: number) {
  const columns = ['address', 'login', 'server'] as const;
  return table.query.selectFrom('mailboxes').select(columns).where('id', '=', id).executeTakeFirst();
}

/** What no waiting mends: the message is larger than the server takes. RFC 7889, RFC 9051 section 7.1. */
const TOO_BIG = ['TOOBIG', 'APPENDLIMIT'];

/** A mail client that saves a copy itself does so at about the time of sending; a day more for its zone. */
const TWIN_SINCE_MS = 2 * 86_400_000;

async function noted({ note, log, now }: CopySite, copy: Copy, kept: Kept, look?: LookedFor): Promise<Kept> {
  const at = now().toISOString();
  const { mailbox, nonce } = copy;
  if (kept.kind !== 'failed') {
    log.info(
      { mailbox, copy: nonce },
      kept.kind === 'stored' ? 'copy stored' : 'copy not needed: the message is there',
    );
    await note({ kind: 'copy-stored', copy, at, look: look && { for: look, at: lookAfter(0, now()) ?? at } });
    return kept;
  }
  const { code, message, hint } = kept.failure;
  log.error({ mailbox, copy: nonce, code, hint, forGood: kept.forGood }, message);
  await note({ kind: 'copy-failed', copy, at, failure: { code, message, hint }, forGood: kept.forGood });
  return kept;
}
