/** Whom the trace knows in its tests: alice's mailbox, which bob has by delegation 7, and carol's. */
import type { Judging } from '../../bridge/trace/accesses-of-event.ts';
import type { TracedMailbox } from '../../bridge/trace/traced-people.ts';
import { SHIPPED_NAMING } from '../../bridge/trace/whose-folder.ts';

export const mailboxOf = (id: number, name: string): TracedMailbox => ({
  id,
  address: `${name}@lab.test`,
  login: `${name}@lab.test`,
  owner: `8997000000${id}`,
});
const MAILBOXES = [mailboxOf(1, 'alice'), mailboxOf(2, 'carol')];

export const JUDGING: Judging = {
  people: {
    mailboxOf: (login) => MAILBOXES.find((one) => one.login === login),
    delegationOf: ({ id }, login) => (id === 1 && login === 'bob@lab.test' ? 7 : undefined),
    identifierOf: (login) =>
      ({ 'bob@lab.test': '899700245667' })[login] ?? MAILBOXES.find((one) => one.login === login)?.owner ?? null,
  },
  naming: SHIPPED_NAMING,
  masterOf: (session) => ({ ours: 'bridge', theirs: 'webmail' })[session],
  adminUser: 'bridge',
  looks: false,
};
