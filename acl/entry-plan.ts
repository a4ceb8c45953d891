/**
 * What to do about one delegate's entry in one folder. The whole of it is this table; bridge/reconcile walks it folder by folder.
 *
 *     desired  own entry   they see    before | step
 *     R        R           R                 | none
 *     R        R           other             | none: a foreign entry decides (reported, never removed)
 *     R        other       any               | set R
 *     R        none        R                 | none: they have it by inheritance, no entry of their own is needed
 *     R        none        other             | set R
 *     none     none                   none   | none
 *     none     none                   B      | set B: what stood there before the grant
 *     none     any                    none   | delete: ours, or a copy the server made of ours
 *     none     B                      B      | none
 *     none     other                  B      | set B
 *
 * "they see" is the delegate's own MYRIGHTS (RFC 4314 section 3.5), because GETACL shows neither what they inherit nor what a
 * group or a negative entry makes of it. Entries of other identifiers never appear here, so no step can touch them.
 */
import { type EntryName, entryName } from './entry-name.ts';
import type { Rights } from './rights.ts';

export type EntryStep =
  | { readonly kind: 'none' }
  | { readonly kind: 'set'; readonly rights: Rights }
  | { readonly kind: 'delete' };

export interface EntryFacts {
  /** Undefined: no delegation in force. */
  readonly desired: Rights | undefined;
  /** Their own entry in this folder, undefined when there is none. */
  readonly entry: Rights | undefined;
  /** What they see, or what they are expected to see before they have been asked. */
  readonly effective: Rights;
  /** Their entry before the grant, from the ledger. */
  readonly before: Rights | undefined;
}

const NOTHING: EntryStep = { kind: 'none' };

export function entryStep({ desired, entry, effective, before }: EntryFacts): EntryStep {
  if (desired !== undefined) {
    if (entry === desired) return NOTHING;
    if (entry === undefined && effective === desired) return NOTHING;
    return { kind: 'set', rights: desired };
  }
  if (before !== undefined) return entry === before ? NOTHING : { kind: 'set', rights: before };
  return entry === undefined ? NOTHING : { kind: 'delete' };
}

/** Entries that keep a delegate out whatever they are granted: negative ones for them or for everybody, the site's among them. */
export function negativeEntries(identifiers: Iterable<string>, login: string): readonly string[] {
  const against = ({ negative, whom, name }: EntryName) =>
    negative && (whom === 'everybody' || (whom === 'user' && name === login));
  return [...identifiers].filter((identifier) => against(entryName(identifier)));
}
