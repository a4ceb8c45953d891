/** What the owner is told when a delegate held the right to administer the mailbox, by which it is passed on to others. */
import type { Instant } from '../../acl/delegation-facts.ts';
import type { Pass } from '../reconcile/pass.ts';
import { ownerContact } from '../store/state/contacts.ts';
import type { NewNotice } from '../store/state/outbox.ts';
import type { NoticeRules } from './notice-rules.ts';

export async function administerNotices(
  pass: Pass,
  rules: NoticeRules,
  login: string,
  now: Instant,
): Promise<readonly NewNotice[]> {
  const person = pass.mailbox.rows?.granted.get(login)?.person;
  const delegationId = pass.mailbox.rows?.delegationIds.get(login);
  if (person === undefined || delegationId === undefined) return [];
  const { firstName, lastName, profession, identifier } = person;
  const mailbox = pass.address;
  const second = await ownerContact(pass.site.state, pass.mailboxId);
  const notice = {
    event: `administer ${delegationId} ${now}`,
    kind: 'administer',
    part: 'owner',
    mailbox,
    language: second.language ?? rules.language,
    data: { mailbox, firstName, lastName, profession, identifier, at: now, others: namesOf(pass.others) },
  } as const;
  return [
    { ...notice, subject: mailbox, recipient: mailbox },
    ...(second.address === null ? [] : [{ ...notice, subject: `${mailbox} second`, recipient: second.address }]),
  ];
}

/** As many as a mail can name. */
const NAMED = 20;

/** Identifiers as they stand in the ACL; null where there are none. */
export function namesOf(others: ReadonlySet<string>): string | null {
  const all = [...others].sort();
  if (all.length === 0) return null;
  const more = all.length > NAMED ? [`(+${all.length - NAMED})`] : [];
  return [...all.slice(0, NAMED), ...more].join(', ');
}
