/**
 * The copy that a mail client saves itself in an owner's Sent: no Sender in it, so that the owner can't see who wrote. Ours takes its place.
 * One that says anything else stays, beside ours: the same Message-ID proves nothing.
 *
 *   every octet ours ............................. ours
 *   ours but for Received, and it has been on its way, or was stored by us ... as good as ours: a message that went in several parts
 *   another copy that we have stored ............. stays: somebody else sent the same
 *   what was sent, but for Sender, Received, Bcc . a twin: taken away, once ours is seen in the folder
 *   anything else ................................ stays
 */
import type { Fingerprint } from './fingerprint.ts';

/** A message in the folder that has our Message-ID. */
export interface Lying {
  readonly uid: number;
  readonly print: Fingerprint;
}

export interface Ours {
  readonly print: Fingerprint;
  /** `content` of what the client has sent, which Postfix and we may have changed since; null where it isn't known. */
  readonly submitted: string | null;
}

export interface Sorted {
  readonly ours: Lying | undefined;
  readonly twins: readonly Lying[];
}

/** @param isCopy whether we have stored this very message (Fingerprint.exact) */
export async function sorted(
  lying: readonly Lying[],
  { print, submitted }: Ours,
  isCopy: (exact: string) => Promise<boolean>,
): Promise<Sorted> {
  const twins: Lying[] = [];
  let good: Lying | undefined;
  for (const one of lying) {
    const known = one.print.exact === print.exact || (await isCopy(one.print.exact));
    if (one.print.signed === print.signed && (known || one.print.received)) good ??= one;
    else if (!known && (one.print.content === print.content || one.print.content === submitted)) twins.push(one);
  }
  return { ours: lying.find((one) => one.print.exact === print.exact) ?? good, twins };
}
