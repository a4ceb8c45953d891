/** The code that is mailed to confirm a contact address: eight digits, of which only a MAC is kept. R41. */
import { createHmac, randomInt, timingSafeEqual } from 'node:crypto';

const DIGITS = 8;

export function newCode(): string {
  return String(randomInt(10 ** DIGITS)).padStart(DIGITS, '0');
}

/** As people type it, spaces included; undefined where it can be none. */
export function readCode(typed: string): string | undefined {
  const digits = typed.replace(/[\s\u00a0]/g, '');
  return digits.length === DIGITS && /^\d+$/.test(digits) ? digits : undefined;
}

/** A code is worth something for this address, this delegate and this time only. */
export interface CodeSubject {
  readonly delegateId: number;
  readonly contact: string;
  readonly expiresAt: string;
}

/** `key`: the seal's, from which one of its own is derived, so that nothing of the audit trail can ever pass for a code's MAC. */
export function codeMac(key: Buffer, { delegateId, contact, expiresAt }: CodeSubject, code: string): string {
  const own = createHmac('sha256', key).update('account code').digest();
  return createHmac('sha256', own)
    .update(JSON.stringify([delegateId, contact, expiresAt, code]))
    .digest('hex');
}

export function sameMac(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one, 'hex'), Buffer.from(other, 'hex')];
  return a.length === b.length && timingSafeEqual(a, b);
}
