/** What the record keeps of one message: an event for each mailbox that it was sent for, and each copy that goes with it. */
import { ownerOf } from '../../acl/actor.ts';
import type { Instant } from '../../acl/delegation-facts.ts';
import type { Note } from '../store/submissions/submission-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { readTicket } from './copy-address.ts';
import { messageIdOf } from './message-id.ts';
import type { Seen } from './message-outcome.ts';
import { submissionEntry } from './submission-entry.ts';

/** What everybody sends for themselves is nobody's business here, nor what may still be sent. */
export async function notesOf(table: DelegationDb, seen: Seen, at: Instant): Promise<readonly Note[]> {
  const sent = seen.verdict === 'pass' && seen.reply.code === 250 && seen.owners.length > 0;
  if (!sent && seen.verdict !== 'refuse') return [];
  const { query } = table;
  const person = await query
    .selectFrom('delegates')
    .select('identifier')
    .where('login', '=', seen.login ?? '')
    .executeTakeFirst();
  const mailboxes = await query
    .selectFrom('mailboxes')
    .select(['id', 'address', 'owner', 'login'])
    .where('address', 'in', sent ? seen.owners : [seen.forged ?? ''])
    .orderBy('id')
    .execute();
  const events = (mailboxes.length > 0 ? mailboxes : [undefined]).map((mailbox): Note => {
    const entry = submissionEntry({
      at,
      login: seen.login,
      delegate: person?.identifier ?? null,
      mailbox: mailbox?.address ?? null,
      owner: mailbox === undefined ? null : ownerOf(mailbox),
      verdict: seen.verdict,
      sent,
      // An address that isn't in the table may be anybody's, a patient's too.
      why: sent ? undefined : seen.reply.text.replace(/<[^>]*>/g, mailbox === undefined ? '<...>' : '$&'),
      messageId: messageIdOf(seen.messageId ?? ''),
      bytes: seen.size,
      recipients: seen.recipients,
      domains: seen.domains,
    });
    return { kind: 'event', entry };
  });
  const copies = seen.extra.flatMap(({ address, taken }): readonly Note[] => {
    const ticket = readTicket(address.slice(0, address.lastIndexOf('@')));
    const mailbox = mailboxes.find(({ id }) => id === ticket?.mailboxId);
    if (ticket === undefined || mailbox === undefined) return [];
    const copy = { nonce: ticket.nonce, mailbox: mailbox.address, sentAt: ticket.sentAt.toISOString() };
    return [
      taken
        ? { kind: 'copy-sent', copy, content: seen.content ?? undefined }
        : { kind: 'copy-failed', copy, at, failure: UNTAKEN, forGood: true },
    ];
  });
  return [...events, ...(sent ? copies : [])];
}

const UNTAKEN = {
  code: 'config',
  message: "Postfix has not taken the copy's recipient along with the message",
  hint: 'the log of its reinjection service says why: no restriction may stand there that refuses [submission] copy_domain',
} as const;
