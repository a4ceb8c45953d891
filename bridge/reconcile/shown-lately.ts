/**
 * What a session as a delegate has shown of the server a moment ago, in whichever mailbox: of a great many that are granted at once, each first newcomer
 * need not show it again. It is a guess only: the look that follows tells where it was wrong, and a pass of that mailbox mends it.
 */
import type { Gate } from './login-turns.ts';
import type { Pass } from './pass.ts';

/** A setting of the server's may change meanwhile, but hardly within this. */
const REMEMBERED_MS = 10_000;

interface Shown {
  /** Whether INBOX's entry gives its rights where a folder has none of its own. */
  inherits?: { readonly is: boolean; readonly at: number };
  /** When it was seen last that a subscription stands in the delegate's own list. */
  ownListAt?: number;
}

const shown = new WeakMap<Gate, Shown>();

function of({ site: { gate } }: Pick<Pass, 'site'>): Shown {
  const known = shown.get(gate) ?? {};
  shown.set(gate, known);
  return known;
}

const isRecent = (at: number | undefined) => at !== undefined && performance.now() - at < REMEMBERED_MS;

export function noteInherits(pass: Pass, owner: string, is: boolean): void {
  pass.inherits.set(owner, is);
  of(pass).inherits = { is, at: performance.now() };
}

export function noteOwnList(pass: Pass, owner: string): void {
  pass.keepers.add(owner);
  of(pass).ownListAt = performance.now();
}

/** Whether INBOX's entry is inherited at this owner's: as this pass has seen it, or another a moment ago. Undefined: nobody knows. */
export function inheritsAsShown(pass: Pass, owner: string): boolean | undefined {
  const { inherits } = of(pass);
  return pass.inherits.get(owner) ?? (isRecent(inherits?.at) ? inherits?.is : undefined);
}

/** Whether a subscription of a delegate's to this owner's folders stands in their own list; the same way. */
export function ownListAsShown(pass: Pass, owner: string): boolean {
  return pass.keepers.has(owner) || isRecent(of(pass).ownListAt);
}
