/** Who acts, and what they may do: an owner manages the delegations of their own mailbox, a delegate their own account and never a delegation. R3, R33, R53. */

export type Actor =
  | { readonly kind: 'admin'; readonly name: string }
  | { readonly kind: 'owner' | 'delegate'; readonly identifier: string };

export type Act =
  /** Granting, revoking, suspending, resuming, listing. */
  | {
      readonly kind: 'delegations';
      readonly mailbox: { readonly address: string; readonly owner: string | null; readonly login: string };
    }
  /** The account of one delegate. */
  | { readonly kind: 'account'; readonly identifier: string };

/** How an actor stands in the audit trail, and is written behind --as. */
export function actorName(actor: Actor): string {
  return `${actor.kind}:${actor.kind === 'admin' ? actor.name : actor.identifier}`;
}

/** Who owns a mailbox: their identifier, and where none is known their login. */
export function ownerOf({ owner, login }: { readonly owner: string | null; readonly login: string }): string {
  return owner ?? login;
}

/** R53, in the guide's words. */
export const NOT_HIS_TO_END = {
  fr: 'Vous ne pouvez pas mettre fin à une délégation mise en place par un professionnel délégant. Si besoin, le contacter.',
  en: 'A delegate cannot change a delegation: only its owner can.',
} as const;
const NOT_HIS = `${NOT_HIS_TO_END.fr} (${NOT_HIS_TO_END.en})`;

/** Why this actor may not do this; undefined when they may. */
export function actorFault(actor: Actor, act: Act): string | undefined {
  if (actor.kind === 'admin') return undefined;
  if (act.kind === 'account') {
    if (actor.kind === 'delegate' && actor.identifier === act.identifier) return undefined;
    return `${actorName(actor)} may not act on the account of ${act.identifier}: everybody manages their own`;
  }
  if (actor.kind === 'delegate') return NOT_HIS;
  return ownerOf(act.mailbox) === actor.identifier
    ? undefined
    : `${act.mailbox.address} is not a mailbox of ${actorName(actor)}: an owner manages the delegations of their own`;
}
