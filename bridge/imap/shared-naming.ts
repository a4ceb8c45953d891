/** How the server names owners' folders to others, as this process has learnt it, told to whoever reads such names elsewhere (bridge/trace). */
import type { Namespace } from './namespaces.ts';

export interface SharedNaming extends Namespace {
  /** How an owner is written there, as it stands in dovecot.conf: `%%u`. */
  readonly pattern: string;
  /** The private namespace that holds INBOX. */
  readonly own: Namespace;
}

export type OnNaming = (naming: SharedNaming) => void;

const listeners = new Set<OnNaming>();
/** By prefix. */
const known = new Map<string, SharedNaming>();

/** Hears of what is known, and from now on of what is new. The answer ends that. */
export function followNaming(listener: OnNaming): () => void {
  listeners.add(listener);
  for (const naming of known.values()) listener(naming);
  return () => void listeners.delete(listener);
}

export function noteNaming(naming: SharedNaming): void {
  if (JSON.stringify(known.get(naming.prefix)) === JSON.stringify(naming)) return;
  known.set(naming.prefix, naming);
  for (const listener of listeners) listener(naming);
}
