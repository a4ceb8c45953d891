/** Copies that should stand in an owner's Sent and don't, told together where the same is wrong with them. */
import type { Instant } from '../../acl/delegation-facts.ts';
import type { FailureCode } from '../shared/failure.ts';
import type { MissingCopy } from '../store/submissions/submission-db.ts';

export interface MissingCopies {
  readonly mailbox: string;
  readonly count: number;
  /** When the oldest of their messages was sent. */
  readonly since: Instant;
  readonly code: FailureCode;
  readonly message: string;
  readonly hint: string;
  /** Postfix has them, and tries again by itself. */
  readonly queued: boolean;
}

/** A copy is stored within seconds; one that nobody has brought for so long, Postfix doesn't bring at all. */
export const COPY_EXPECTED_MS = 15 * 60_000;

export function missingCopies(copies: readonly MissingCopy[], now: Date): readonly MissingCopies[] {
  const told = new Map<string, MissingCopies>();
  for (const copy of copies) {
    const trouble = troubleWith(copy, now);
    if (trouble === undefined) continue;
    const name = JSON.stringify([copy.mailbox, copy.state, trouble.message]);
    const group = told.get(name);
    told.set(name, {
      mailbox: copy.mailbox,
      count: (group?.count ?? 0) + 1,
      since: group?.since ?? copy.sentAt, // the oldest comes first
      queued: copy.state === 'waiting',
      ...trouble,
    });
  }
  return [...told.values()];
}

function troubleWith({ code, message, hint, sentAt }: MissingCopy, now: Date) {
  if (code !== null) return { code, message: message ?? '', hint: hint ?? '' };
  if (now.getTime() - Date.parse(sentAt) < COPY_EXPECTED_MS) return undefined;
  return {
    code: 'config' as const,
    message: 'Postfix has not brought the copy',
    hint: 'see "mailq", and whether transport_maps has the line of config/postfix/copy.main.cf.fragment; "mandat doctor" looks',
  };
}
