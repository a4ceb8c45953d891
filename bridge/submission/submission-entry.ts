/**
 * What the audit trail says of one submission. Never a subject, never a recipient: a patient's address holds their national identifier,
 * so of recipients it keeps their number and their domains. What its sender has made up is bounded and cleaned. R3.
 */

import { actorName } from '../../acl/actor.ts';
import type { Instant } from '../../acl/delegation-facts.ts';
import { punycode } from '../shared/domain-name.ts';
import type { SubmissionEntry } from '../store/submissions/submission-db.ts';

export interface Submission {
  readonly at: Instant;
  /** Who had logged in; null where nobody could be made out. And their identifier, where they are a delegate. */
  readonly login: string | null;
  readonly delegate: string | null;
  /** Whose mailbox it was sent for, or was to be, by its address; null where the address is nobody's in the table. */
  readonly mailbox: string | null;
  /** That mailbox's owner, as ownerOf names them. */
  readonly owner: string | null;
  /** The verdict, in one word. */
  readonly verdict: string;
  readonly sent: boolean;
  /** Why it was refused, for people; of us, not of the message. */
  readonly why?: string | undefined;
  /** As messageIdOf reads it. */
  readonly messageId: string | undefined;
  readonly bytes: number | undefined;
  readonly recipients: number;
  /** Of the recipients, as they were written. */
  readonly domains: readonly string[];
}

export function submissionEntry(one: Submission): SubmissionEntry {
  const { at, login, delegate, mailbox, owner, sent, verdict, messageId, bytes, recipients, domains, why } = one;
  return {
    at,
    actor: delegate === null ? `login:${login ?? '?'}` : actorName({ kind: 'delegate', identifier: delegate }),
    reason: null,
    action: sent ? 'send' : 'send-refused',
    mailbox,
    delegate,
    on_behalf: owner === null ? null : actorName({ kind: 'owner', identifier: owner }),
    via: null,
    detail: JSON.stringify({
      verdict,
      ...(why === undefined ? {} : { why: why.slice(0, LONGEST_WHY) }),
      login,
      message_id: messageId ?? null,
      bytes: bytes ?? null,
      recipients,
      domains: cleaned(domains),
    }),
  };
}

const LONGEST_WHY = 300;
const MOST_DOMAINS = 20;

/** Each once, sorted, as punycode; what can't be one as `?`; `...` where there are more. */
export function cleaned(domains: readonly string[]): readonly string[] {
  const all = [...new Set(domains.map(domainName))].sort();
  return all.length > MOST_DOMAINS ? [...all.slice(0, MOST_DOMAINS), '...'] : all;
}

/** An address without `@` has none, and may be anything. */
function domainName(written: string): string {
  const domain = punycode(written).toLowerCase();
  return /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$/.test(domain) && domain.length <= 253 ? domain : '?';
}
