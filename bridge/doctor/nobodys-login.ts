/**
 * A login that nobody has, for what is tried with no one's rights at stake. It says whose it is and when it was made, so that what
 * a killed doctor left behind is recognised.
 */
import { randomBytes } from 'node:crypto';

const PREFIX = 'mandat-doctor-';
/** A doctor is done in seconds; what is older than that is nobody's any more. */
const ABANDONED_MS = 600_000;

/** `mandat-doctor-lx2k9f3a-5d1c0b7e` */
export function nobodysLogin(now: Date = new Date()): string {
  return `${PREFIX}${now.getTime().toString(36)}-${randomBytes(4).toString('hex')}`;
}

/** Whether a doctor made it so long ago that it must have been killed. */
export function isAbandoned(name: string, now: Date = new Date()): boolean {
  const [, made] = /^mandat-doctor-([0-9a-z]{8,9})-[0-9a-f]{8}$/.exec(name) ?? [];
  return made !== undefined && now.getTime() - Number.parseInt(made, 36) > ABANDONED_MS;
}
