/**
 * That a form was sent from a page of ours: its token is the session's, masked anew on each page so that nothing can be learnt of it from the
 * length of a compressed answer (BREACH), and what the browser says of where it comes from must be here.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';

/** For the hidden field of a form. */
export function maskedToken(secret: Buffer): string {
  const mask = randomBytes(secret.length);
  return Buffer.concat([mask, xor(mask, secret)]).toString('base64url');
}

export function isTokenOf(secret: Buffer, given: unknown): boolean {
  if (typeof given !== 'string' || given.length > 200) return false;
  const bytes = Buffer.from(given, 'base64url');
  if (bytes.length !== 2 * secret.length) return false;
  return timingSafeEqual(xor(bytes.subarray(0, secret.length), bytes.subarray(secret.length)), secret);
}

const xor = (a: Buffer, b: Buffer) => Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)));

/** By what every browser of today sends with a form: `Origin`, `Sec-Fetch-Site`. Undefined where it sends neither. */
export function sentFromHere(header: (name: string) => string | undefined, origin: string): boolean | undefined {
  const site = header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const from = header('origin');
  if (from !== undefined) return from === origin;
  return site === 'same-origin' ? true : undefined;
}
