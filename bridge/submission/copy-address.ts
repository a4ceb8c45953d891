/**
 * The extra recipient of a message that was sent for an owner: an address that only this site's Postfix knows, by which the copy
 * for their Sent folder travels in Postfix's own queue. Its local part names the mailbox and the moment, and carries a MAC over both
 * and the Message-ID: whoever writes to such an address by themselves plants nothing in anybody's Sent. A nonce makes it good once.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a local part says, not yet vouched for. */
export interface CopyTicket {
  /** Of delegation.db: it stays while address and login may change. */
  readonly mailboxId: number;
  readonly sentAt: Date;
  readonly nonce: string;
  readonly mac: string;
}

export interface CopySubject {
  readonly mailboxId: number;
  /** As {@link messageIdOf} reads it; undefined when there is none. */
  readonly messageId: string | undefined;
  readonly sentAt: Date;
}

/** From the key that seals the audit trail: one secret file less to keep. */
export function copyKey(sealKey: Buffer): Buffer {
  return createHmac('sha256', sealKey).update('addresses of copies').digest();
}

const NONCE_BYTES = 8;
/** 96 bits: the whole local part stays below the 64 octets of RFC 5321 section 4.5.3.1.1, and each guess is a message sent. */
const MAC_BYTES = 12;

/** Lower case and dots only: no relay folds it, and no recipient_delimiter cuts it. */
export function copyTicket(key: Buffer, { mailboxId, messageId, sentAt }: CopySubject): CopyTicket {
  const open = { mailboxId, sentAt, nonce: randomBytes(NONCE_BYTES).toString('hex') };
  return { ...open, mac: macOf(key, open, messageId) };
}

export function writtenTicket({ mailboxId, sentAt, nonce, mac }: CopyTicket): string {
  return [mailboxId, sentAt.getTime().toString(36), nonce, mac].join('.');
}

const WRITTEN = /^([1-9][0-9]{0,14})\.([0-9a-z]{1,9})\.([0-9a-f]{16})\.([0-9a-f]{24})$/;

/** Undefined when it can't be one of ours. */
export function readTicket(localPart: string): CopyTicket | undefined {
  const [, mailboxId, sentAt = '', nonce = '', mac = ''] = WRITTEN.exec(localPart.toLowerCase()) ?? [];
  if (mailboxId === undefined) return undefined;
  return { mailboxId: Number(mailboxId), sentAt: new Date(Number.parseInt(sentAt, 36)), nonce, mac };
}

/**
 * Whether we made this ticket for this message. A message that its sender gave no Message-ID gets one from Postfix after the
 * ticket was made for none, so that one serves as well.
 */
export function isVouchedFor(key: Buffer, ticket: CopyTicket, messageId: string | undefined): boolean {
  const made = (forId: string | undefined) =>
    timingSafeEqual(Buffer.from(ticket.mac, 'hex'), Buffer.from(macOf(key, ticket, forId), 'hex'));
  return made(messageId) || made(undefined);
}

function macOf(
  key: Buffer,
  { mailboxId, sentAt, nonce }: Omit<CopyTicket, 'mac'>,
  messageId: string | undefined,
): string {
  return createHmac('sha256', key)
    .update(JSON.stringify(['copy', mailboxId, sentAt.getTime(), nonce, messageId ?? null]))
    .digest()
    .subarray(0, MAC_BYTES)
    .toString('hex');
}
