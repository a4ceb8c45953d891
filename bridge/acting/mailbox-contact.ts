/**
 * The owner's second address for notices, outside the mailbox, since whoever it is delegated to can delete from it. It stands in state.db alone.
 */
import { Failure } from '../shared/failure.ts';
import { type OwnerContact, ownerContact, setOwnerContact } from '../store/state/contacts.ts';
import { noteEvent } from '../store/table/events.ts';
import { mailboxAt } from '../store/table/mailboxes.ts';
import { mayDelegate } from './permitted.ts';
import type { Acting } from './site.ts';

/** Fails `refused` for a mailbox of somebody else's. */
export async function mailboxContactOf(acting: Acting, mailbox: string): Promise<OwnerContact> {
  const { id } = await permitted(acting, mailbox);
  return acting.state((db) => ownerContact(db, id));
}

/** What isn't given stays; null takes it away. Returns what stands now. Fails `refused` for an address of the mailbox itself. */
export async function setMailboxContact(
  acting: Acting,
  mailbox: string,
  change: Partial<OwnerContact>,
): Promise<OwnerContact> {
  const { id, aliases } = await permitted(acting, mailbox);
  const { address } = change;
  if (address != null && [mailbox, ...aliases].includes(address)) {
    throw new Failure('refused', `${address} is this mailbox itself`, 'give an address outside it', {
      rule: 'MANDAT_CONTACT',
      fault: 'itself',
      about: address,
    });
  }
  const before = await acting.state((db) => ownerContact(db, id));
  const after = {
    address: address === undefined ? before.address : address,
    language: change.language === undefined ? before.language : change.language,
  };
  if (after.address === before.address && after.language === before.language) return before;
  await acting.state((db) => setOwnerContact(db, id, after));
  const contact = after.address === null ? 'none' : after.address === before.address ? 'as before' : 'another';
  const detail = { contact, language: after.language }; // never the address: it is private
  await acting.table((db) => noteEvent(db, acting.writer, { action: 'mailbox-contact', mailbox, detail }));
  return after;
}

async function permitted(acting: Acting, mailbox: string) {
  return acting.table(async (db) => {
    await mayDelegate(acting, db, [mailbox]);
    return mailboxAt(db, mailbox);
  });
}
