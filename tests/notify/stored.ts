/** A notice as it stands in the outbox, for tests of what becomes of it. */
import type { StoredNotice } from '../../bridge/store/state/outbox.ts';

export const DATA = {
  mailbox: 'kit.doc0073655@pro.formation.mssante.fr',
  firstName: 'Bob',
  lastName: 'Martin',
  profession: 'Infirmier',
  identifier: '899700245667',
  at: '2026-11-25T03:05:00.000Z',
  startsAt: null,
  endsAt: '2026-12-31T22:59:59.999Z',
  why: null,
  by: 'admin:root',
  full: true,
};

export function stored(more: Partial<StoredNotice> = {}): StoredNotice {
  return {
    id: 1,
    event: 'grant 17',
    kind: 'grant',
    part: 'owner',
    subject: DATA.mailbox,
    mailbox: DATA.mailbox,
    recipient: DATA.mailbox,
    language: 'fr',
    data: DATA,
    messageId: '<1@example.org>',
    createdAt: '2026-11-25T03:05:00.000Z',
    state: 'sending',
    attempts: 1,
    since: '2026-11-25T03:05:00.000Z',
    nextAt: null,
    sentAt: null,
    error: null,
    ...more,
  };
}

export const SETTINGS = {
  from: 'mandat@example.org',
  helpUrl: 'https://mail.example.org/aide?page=1&lang=fr',
  newsUrl: 'https://mail.example.org/actualites',
};
