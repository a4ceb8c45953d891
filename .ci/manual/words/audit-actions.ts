// What each action of the audit trail means, for docs/reference/codes.md. The types make sure that none is left out; those that are noted by
// the table's own triggers, and those that stand alone in the code, are found by code-sources.ts.

import type { AuditedOutcome, Said } from '../../../bridge/reconcile/site.ts';
import type { AccountEvent } from '../../../bridge/store/table/account-events.ts';
import type { EventAction } from '../../../bridge/store/table/events.ts';

type StepAction = Exclude<Said['action'], AuditedOutcome>;

/** What was asked for: noted by the table, whoever wrote it. */
export const ASKED: Readonly<Record<string, string>> = {
  'mailbox-add': 'a mailbox was added',
  'mailbox-set': 'a mailbox was changed; `address` is the one before',
  'mailbox-move': 'a mailbox was moved to another mail server; `from` and `to` are their names',
  'mailbox-remove': 'a mailbox was removed',
  'alias-add': 'the owner and the delegates may send from a further address',
  'alias-remove': 'they may no longer',
  'domain-set': 'a domain was opened to delegation, or closed',
  'domain-remove': 'what had been decided on a domain was forgotten',
  'delegate-add': 'a delegate was added',
  'delegate-set': 'a delegate was changed: login, state of the account, end of the credential',
  'delegate-remove': 'a delegate was removed',
  'terms-accepted': 'a delegate has accepted this version of the terms of use',
  grant: 'a delegation was made',
  change: 'a delegation was changed: its start, its end, suspended or not, how its mail names the sender',
  revoke: 'a delegation was ended',
};

/** What a command did that changes no row. */
export const EVENTS: Readonly<Record<EventAction, string>> = {
  paused:
    'from now on nothing is written to the servers; `all`: not even what is revoked by name, and the reason that was given',
  resumed: 'it is again, and since when it was not',
  adopt: "an entry made by hand was declared mandat's own: what stood, in how many folders, and since when",
  'uninstall-begun': 'mandat is being taken off the servers',
  'uninstall-done': 'and nothing of it is in force any more',
  'directory-import': 'the national directory was imported, and how many people it has',
  'mailbox-contact': "the owner's second address or language was set or taken away; never which",
  'all-withdrawn': 'every delegation of the site was taken out of force',
  'all-restored': 'the table is obeyed again',
  'server-forgotten':
    'what was kept of a mail server that is gone for good went: its name, and how many delegations stood there and mailboxes waited',
  'database-moved': "the table, and all that is mandat's own, was brought to another store, and from where",
  'audit-export': 'somebody took a copy of the trail',
  'trace-read':
    'somebody looked at the trace of access: of which mailbox, of whom, of which time, and how many accesses they were shown',
  'trace-export': 'somebody took a copy of it: of which mailbox, of whom, of which time, in which format',
  backup: 'somebody took a backup: where to, and where the trail ended',
  restore: 'a backup was put back: of when, where the trail ended before and after, where what was there lies',
  'rules-repaired': "the table's released rules were put back",
  'portal-sign-in': 'somebody has signed in at the portal: as what, how, and from which address',
  'portal-sign-out': 'they have signed out, or the identity provider has ended their session',
  'portal-refused': 'somebody whom the identity provider knows was not let in, and why',
  refused: 'somebody tried what they may not do; which command',
};

export const ACCOUNTS: Readonly<Record<AccountEvent, string>> = {
  'account-code': 'a code was mailed to confirm a contact address',
  'account-code-refused': 'a code was typed wrongly or too late, or too many were asked for',
  'account-contact': 'a contact address was confirmed, and is another than before',
  'account-cancel': 'the address that waited to be confirmed was forgotten',
  'account-opt-out': 'mails that are not about delegations were refused',
  'account-identity': 'names and profession were taken over from the directory',
  'account-mailbox': 'the delegate has a mailbox of their own, and its login',
  'account-end': 'the account was closed for good',
};

/** What came of it on the servers. */
export const OUTCOMES: Readonly<Record<AuditedOutcome, string>> = {
  'in-force': 'a delegation can be used',
  verified: "seen from the delegate's own session: they see and may do what they should",
  repaired: 'somebody had changed an entry on the server; it was put right',
  withdrawn: 'the delegate cannot get in any more',
  ended: 'nothing of the delegation is left on the servers',
  failed: 'a mailbox could not be brought in line; `detail` has the code and the message',
  'notice-sent': 'a notice was handed to the mail server',
  'notice-failed': 'a notice was given up',
  'other-entry': "somebody else has access by an entry that is not mandat's: seen for the first time",
  'other-entry-gone': 'such an entry has gone',
  'drift-left':
    "somebody else has changed a delegate's entry, and it is left so for now: what it gives, what was given, in which folders, and `why`",
  'administer-taken': 'a delegate held the right to pass the mailbox on, and has it no longer',
  adopted: "an entry like mandat's own stood on the server, and this state did not know it: it counts as ours",
  'foreign-state': 'the state is not the one that the table was worked off with',
  'values-mended': 'values in the table that nothing could follow were put right',
  'trace-gap':
    'events found no place in the trace of access while nothing could be written there (a full disk, say), and are missing from it: how many, from when to when',
  'trace-month-begun': 'another file of the trace of access is written to from now on, or was found; which',
  'trace-month-deleted':
    'a month of the trace was kept for long enough, and was deleted; which, and with how many accesses',
  'rules-changed': "the table's own rules differ from the released ones: it is obeyed only where it takes access away",
  'rules-restored': "the table's rules are the released ones again",
};

/** What was done on a server, before the outcome that follows it. */
export const STEPS: Readonly<Record<StepAction, string>> = {
  'set-entry': "a delegate's entry was set in so many folders (SETACL)",
  'delete-entry': "a delegate's entry was taken away in so many folders (DELETEACL)",
  publish: 'the delegate may send from these addresses',
  withdraw: 'the delegate may no longer send from these addresses',
  cut: 'the open sessions of a login were told to end',
  subscribe: 'so many folders were put into a list of subscriptions',
  unsubscribe: 'so many folders were taken out of it',
};

/** Of mail, and of the trail itself. */
export const OTHERS: Readonly<Record<string, string>> = {
  send: 'a message was sent, for whom, to how many recipients and to which domains; never its subject or its recipients',
  'send-refused': 'a message was refused by the submission filter, and why',
  'copy-replaced': "a copy that a mail program had saved in the owner's Sent was replaced by mandat's",
  'audit-prune': 'entries older than `[audit] retention_days` were pruned; a sealed checkpoint stands for them',
  'seal-key-new': 'the trail goes on under a new key: what could no longer be proven was pruned',
};
