/**
 * Sign-ins that have begun: between the portal and the provider and back. Each belongs to one browser, by a cookie of its own, is good once and
 * not for long. What somebody had typed when their session ran out is kept here until they are back.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Begun } from './provider.ts';

/** A form that was sent without a session. */
export interface KeptForm {
  /** Where it was sent to. */
  readonly path: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The cookie of the session that had ended: nobody but its person is shown what they had typed. */
  readonly session: string;
}

export interface BegunSignIn extends Begun {
  /** Where they wanted to go: a path of ours. */
  readonly to: string;
  readonly form: KeptForm | undefined;
}

export interface BegunSignIns {
  /** Its secret, for the cookie. */
  keep(signIn: BegunSignIn): string;
  /** Takes it out: it is good once. */
  take(secret: string | undefined): BegunSignIn | undefined;
}

export const SIGN_IN_MINUTES = 15;
/** Nobody needs more at once; the oldest goes. */
const MOST = 5_000;
/** All forms together; octets. */
const MOST_KEPT = 50 * 1024 * 1024;

export function openBegunSignIns(now: () => number): BegunSignIns {
  const known = new Map<string, { readonly signIn: BegunSignIn; readonly until: number; readonly size: number }>();
  let size = 0;
  const drop = (key: string) => {
    size -= known.get(key)?.size ?? 0;
    known.delete(key);
  };
  const makeRoom = () => {
    for (const [key, { until }] of known) {
      if (until > now() && known.size < MOST && size < MOST_KEPT) return; // in the order in which they began
      drop(key);
    }
  };
  return {
    keep: (signIn) => {
      makeRoom();
      const secret = randomBytes(32).toString('base64url');
      const weight = (signIn.form?.fields ?? []).reduce((sum, [name, value]) => sum + name.length + value.length, 100);
      known.set(keyOf(secret), { signIn, until: now() + SIGN_IN_MINUTES * 60_000, size: weight });
      size += weight;
      return secret;
    },
    take: (secret) => {
      if (secret === undefined) return undefined;
      const key = keyOf(secret);
      const found = known.get(key);
      drop(key);
      return found !== undefined && found.until > now() ? found.signIn : undefined;
    },
  };
}

const keyOf = (secret: string) => createHash('sha256').update(secret).digest('base64');
