/**
 * What is told of a delegation: worked out from how it stood when it was told of last, and how it stands now. R9, R14, R24, R42.
 *
 *     told last              now                     told
 *     nothing                in force                grant
 *     nothing                over already            nothing: nobody ever had it
 *     nothing                withheld                grant, with what it still needs (R40)
 *     in force               in force                ending, once for each end that comes near
 *     in force               withheld                suspend
 *     withheld               in force                resume
 *     withheld               for another reason      suspend, with that reason; nothing where it only waits for its start
 *     over                   withheld again          nothing, until it is in force
 *     anything but over      over, or its row gone   revoke
 */

import type { Instant, NotInForce } from './delegation-facts.ts';
import type { Verdict } from './policy.ts';

/** As much of a reason as recipients are told. */
export type ReasonClass =
  | 'identity' // the directory no longer lists the delegate
  | 'owner-identity'
  | 'credential'
  | 'terms'
  | 'account' // to be activated
  | 'suspended' // by somebody
  | 'mailbox'
  | 'setup'
  | 'start' // it begins later
  | 'over'; // for good, as far as is known

const CLASSES: Readonly<Record<NotInForce, ReasonClass>> = {
  'all-withdrawn': 'setup',
  'mailbox-kind': 'mailbox',
  'mailbox-not-eligible': 'mailbox',
  'domain-not-eligible': 'mailbox',
  'owner-not-listed': 'owner-identity',
  'unsafe-login': 'setup',
  'other-server': 'setup',
  self: 'setup',
  suspended: 'suspended',
  'over-limit': 'setup',
  'account-pending': 'account',
  'delegate-suspended': 'suspended',
  'account-ended': 'over',
  'terms-not-accepted': 'terms',
  'delegate-not-listed': 'identity',
  'credential-unknown': 'credential',
  'credential-lapsed': 'credential',
  ended: 'over',
  'not-started': 'start',
};

export const classOf = (why: NotInForce): ReasonClass => CLASSES[why];

/** How a delegation stood when it was told of last. */
export interface Told {
  readonly standing: 'in-force' | 'withheld';
  readonly why: NotInForce | null;
  /** The end that has been announced as coming. */
  readonly ending: Instant | null;
}

/** How it stands now; undefined elsewhere: its row has gone. */
export interface Standing {
  readonly verdict: Verdict;
  readonly endsAt: Instant | null;
  readonly credentialValidUntil: Instant | null;
}

export type Tiding =
  /** `needs`: what is still missing for it to be in force. */
  | { readonly kind: 'grant'; readonly needs: ReasonClass | null }
  | { readonly kind: 'revoke' }
  | { readonly kind: 'suspend'; readonly why: ReasonClass }
  /** `after`: what kept it from being in force. */
  | { readonly kind: 'resume'; readonly after: ReasonClass }
  | { readonly kind: 'ending'; readonly at: Instant; readonly what: 'end' | 'credential' };

export interface Outcome {
  readonly tidings: readonly Tiding[];
  /** What is to be remembered; undefined: nothing any more. */
  readonly told: Told | undefined;
}

/** `announceUpTo`: ends and lapses up to this instant are announced; null: none. */
export function tidings(told: Told | undefined, now: Standing | undefined, announceUpTo: Instant | null): Outcome {
  if (now === undefined)
    return { tidings: told === undefined || isOver(told) ? [] : [{ kind: 'revoke' }], told: undefined };
  const { verdict } = now;
  if (!verdict.inForce) {
    // What is over and then withheld for another reason too is over still, until it is in force: its end isn't told again.
    const why = told !== undefined && isOver(told) ? told.why : verdict.why;
    return {
      tidings: withheld(told, classOf(verdict.why)),
      told: { standing: 'withheld', why, ending: told?.ending ?? null },
    };
  }
  const begun = begins(told);
  const coming = comingEnd(now, announceUpTo);
  // A grant names its end itself.
  const known = coming === undefined || coming.at === told?.ending || (told === undefined && coming.what === 'end');
  return {
    tidings: [...begun, ...(known ? [] : [{ kind: 'ending', ...coming } as const])],
    told: { standing: 'in-force', why: null, ending: coming?.at ?? told?.ending ?? null },
  };
}

/** What is told of one that is in force now, beside its end. */
function begins(told: Told | undefined): readonly Tiding[] {
  if (told === undefined) return [{ kind: 'grant', needs: null }];
  return told.standing === 'in-force' ? [] : [{ kind: 'resume', after: classBefore(told) }];
}

function withheld(told: Told | undefined, why: ReasonClass): readonly Tiding[] {
  if (told === undefined) return why === 'over' ? [] : [{ kind: 'grant', needs: why }];
  if (isOver(told)) return [];
  if (why === 'over') return [{ kind: 'revoke' }];
  if (told.standing === 'withheld' && (why === classBefore(told) || why === 'start')) return [];
  return [{ kind: 'suspend', why }];
}

const isOver = (told: Told) => told.standing === 'withheld' && classBefore(told) === 'over';
const classBefore = ({ why }: Told): ReasonClass => classOf(why ?? 'suspended');

/** The first of its ends, where that is near. */
function comingEnd(
  { endsAt, credentialValidUntil }: Standing,
  upTo: Instant | null,
): { readonly at: Instant; readonly what: 'end' | 'credential' } | undefined {
  const ends = [
    ...(endsAt === null ? [] : [{ at: endsAt, what: 'end' as const }]),
    ...(credentialValidUntil === null ? [] : [{ at: credentialValidUntil, what: 'credential' as const }]),
  ].sort((one, other) => (one.at < other.at ? -1 : 1));
  const [first] = ends;
  return first !== undefined && upTo !== null && first.at <= upTo ? first : undefined;
}

/** Names an event, the same however often it is come upon: an end by its instant, the others by when they were found. */
export function eventName(delegationId: number, tiding: Tiding, now: Instant): string {
  return `${tiding.kind} ${delegationId} ${tiding.kind === 'ending' ? tiding.at : now}`;
}
