/**
 * Who is told what: the owner in full at their mailbox and at their second address, since their delegates can delete from the first; the
 * delegate in full; the other delegates of the mailbox as the site wants it (A4), when one comes or goes.
 */
import type { Instant } from '../../acl/delegation-facts.ts';
import { eventName, type Tiding } from '../../acl/notice-events.ts';
import type { Pass } from '../reconcile/pass.ts';
import { delegateContact, ownerContact } from '../store/state/contacts.ts';
import type { NewNotice } from '../store/state/outbox.ts';
import { type Deed, lastActor } from '../store/table/last-actor.ts';
import { namesOf } from './administer-notices.ts';
import type { News, Rows, Subject } from './news.ts';
import type { NoticeRules } from './notice-rules.ts';

type Data = NewNotice['data'];

export async function addressed(
  pass: Pass,
  rules: NoticeRules,
  news: readonly News[],
  rows: Rows,
  now: Instant,
): Promise<readonly NewNotice[]> {
  const { state, table } = pass.site;
  const owner = await ownerContact(state, pass.mailboxId);
  const ownerLanguage = owner.language ?? rules.language;
  const contact = ({ delegateId, login, person }: Subject) =>
    delegateContact(table, state, { delegateId, identifier: person.identifier, login });
  const notices: NewNotice[] = [];
  const others = await otherDelegates();
  for (const one of news) {
    const { subject } = one;
    const mailbox = subject.address;
    const own = await contact(subject);
    for (const tiding of one.tidings) {
      const event = eventName(subject.delegationId, tiding, now);
      const data = await dataOf(pass, one, tiding, now);
      const about = { event, kind: tiding.kind, mailbox, data } as const;
      const takes = tiding.kind === 'revoke' || tiding.kind === 'suspend';
      const withOthers = takes ? { ...data, others: namesOf(pass.others) } : data;
      const toOwner = { ...about, part: 'owner', language: ownerLanguage, data: withOthers } as const;
      notices.push({ ...toOwner, subject: mailbox, recipient: mailbox });
      if (owner.address !== null) {
        notices.push({ ...toOwner, subject: `${mailbox} second`, recipient: owner.address });
      }
      notices.push({
        ...about,
        part: 'delegate',
        subject: subject.person.identifier,
        recipient: own?.address ?? null,
        language: own?.language ?? rules.language,
      });
      if (tiding.kind !== 'grant' && tiding.kind !== 'revoke') continue;
      const brief = { mailbox, at: now, full: false };
      const full = rules.others === 'full';
      // In short they all say the same: one for each pass is enough.
      if (!full && one !== news.find(({ tidings }) => tidings.some(comesOrGoes))) continue;
      for (const { identifier, address, language } of others) {
        notices.push({
          ...about,
          part: 'other-delegate',
          subject: identifier,
          recipient: address,
          language: language ?? rules.language,
          data: full ? { ...data, full } : brief,
        });
      }
    }
  }
  return notices;

  /** Those who have the mailbox and are not told of a delegation of their own; R24: as far as an address is known. */
  async function otherDelegates() {
    if (rules.others === 'none' || !news.some(({ tidings }) => tidings.some(comesOrGoes))) return [];
    const concerned = new Set(news.map(({ subject }) => subject.delegationId));
    const found: { identifier: string; address: string; language: 'fr' | 'en' | null }[] = [];
    for (const [id, { subject, row }] of rows) {
      if (concerned.has(id) || !row.verdict.inForce) continue;
      const known = await contact(subject);
      if (known !== undefined) found.push({ identifier: subject.person.identifier, ...known });
    }
    return found;
  }
}

const comesOrGoes = ({ kind }: Tiding) => kind === 'grant' || kind === 'revoke';

async function dataOf(pass: Pass, { subject, row }: News, tiding: Tiding, now: Instant): Promise<Data> {
  const { person, address } = subject;
  const { firstName, lastName, profession, identifier } = person;
  return {
    mailbox: address,
    firstName,
    lastName,
    profession,
    identifier,
    at: tiding.kind === 'ending' ? tiding.at : now,
    startsAt: row?.startsAt ?? null,
    endsAt: row?.endsAt ?? null,
    why: reasonIn(tiding),
    by: await whoDid(pass, subject, row, tiding),
  };
}

/** The class of reason that its recipients are told. */
function reasonIn(tiding: Tiding): string | null {
  switch (tiding.kind) {
    case 'grant':
      return tiding.needs;
    case 'suspend':
      return tiding.why;
    case 'resume':
      return tiding.after;
    case 'ending':
      return tiding.what;
    case 'revoke':
      return null;
  }
}

/** Null where nobody did it: time did, or the directory, or a card that lapsed. */
async function whoDid({ site }: Pass, subject: Subject, row: News['row'], tiding: Tiding): Promise<string | null> {
  const { address: mailbox, person } = subject;
  const delegate = person.identifier;
  const deeds = deedsBehind(tiding, row === undefined).map(
    (action): Deed => ({
      action,
      mailbox: action.startsWith('delegate-') ? null : mailbox,
      delegate: action === 'mailbox-remove' ? null : delegate,
    }),
  );
  const last = deeds.length === 0 ? undefined : await lastActor(site.table, site.state, deeds, site.vouches);
  const known = last ?? (tiding.kind === 'grant' && row ? { actor: row.createdBy, claimed: true } : undefined);
  if (known === undefined || (known.claimed && SOMEBODY.test(known.actor))) return null;
  return known.actor;
}

/** Who only claims to be the owner, or an administrator, is named as neither: a program that writes the table may call itself what it likes. */
const SOMEBODY = /^(?:owner|admin|delegate):/;

function deedsBehind(tiding: Tiding, gone: boolean): readonly string[] {
  if (tiding.kind === 'grant') return ['grant'];
  if (tiding.kind === 'revoke') return gone ? ['revoke', 'mailbox-remove', 'delegate-remove'] : [];
  const bySomebody =
    (tiding.kind === 'suspend' && tiding.why === 'suspended') ||
    (tiding.kind === 'resume' && tiding.after === 'suspended');
  return bySomebody ? ['change', 'delegate-set'] : [];
}
