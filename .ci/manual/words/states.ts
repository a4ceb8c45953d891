// What the words mean by which commands, --json and the databases say how something stands. The types make sure that none is left out.

import type { Finding } from '../../../bridge/doctor/finding.ts';
import type { FailureCode } from '../../../bridge/shared/failure.ts';
import type { NoticeKind, NoticePart } from '../../../bridge/store/state/outbox.ts';
import type { Notice } from '../../../bridge/store/state/outcomes.ts';
import type { OutboxState } from '../../../bridge/store/state/state-db.ts';
import type { DelegateState, MailboxKind } from '../../../bridge/store/table/delegation-types.ts';

export const FAILURES: Readonly<Record<FailureCode, string>> = {
  retry: 'a server or the database cannot be reached now: trying again may help, and the sidecar does',
  refused: 'a rule says no: other input is needed',
  absent: 'no such mailbox, delegate or delegation',
  config: 'the set-up of mandat or of a server is wrong: an administrator must act',
  unsafe: 'going on might open mail to somebody who should not read it: nothing more was done',
  internal: 'a defect of mandat: please report it with the log',
};

export const CHECK_STATUSES: Readonly<Record<Finding['status'], string>> = {
  ok: 'what was looked at is right',
  warn: 'it works, and something about it is not as it should be; the remedy stands below',
  fail: 'it does not work, or is not safe; the remedy stands below. `mandat doctor` exits with 1',
  skipped: 'it could not be looked at; why stands beside it',
};

export const DELEGATION_STATES: Readonly<Record<string, string>> = {
  'in force': 'verified: the delegate has access, seen from their own session',
  'being verified': 'the entries stand on the server; the look from the own session is still to come',
  waiting: 'the row is there; the servers do not have it yet: `mandat status`',
  granted: 'by the row; what the servers have of it, this user may not see',
  'not started': 'its start is still to come',
  ended: 'its end has passed',
  suspended: 'one of the conditions does not hold; WHY says which',
};

export const ACCOUNT_STATES: Readonly<Record<DelegateState, string>> = {
  pending: 'the account waits for its activation',
  active: 'nothing of the account stands in the way',
  suspended:
    'everything that was delegated to this person is out of force until `mandat delegate set DELEGATE --state active`',
  ended: 'closed for good',
};

export const MAILBOX_KINDS: Readonly<Record<MailboxKind, string>> = {
  PER: 'personal: the only kind that can be delegated',
  ORG: 'of an organisation',
  APP: 'of a program',
  CAB: 'of a practice',
};

export const NOTICE_KINDS: Readonly<Record<NoticeKind, string>> = {
  grant: 'a mailbox has been delegated; with what it still needs, where it is not in force yet',
  revoke: 'a delegation has ended',
  suspend: 'a delegation is out of force for the time being, and why',
  resume: 'a delegation is in force again',
  ending: 'an end, or the lapse of a credential, is coming (`[notices] ending_days`)',
  administer: 'a delegate could pass the mailbox on to others, and cannot any more',
  code: 'the code that confirms a contact address',
  'contact-changed': 'to the address before: the contact address is another now',
};

export const NOTICE_PARTS: Readonly<Record<NoticePart, string>> = {
  owner: 'the owner of the mailbox',
  delegate: 'the delegate whom it is about',
  'other-delegate': 'the other delegates of the mailbox (`[notices] others`)',
  account: 'the person whose account it is',
};

export const NOTICE_STATES: Readonly<Record<OutboxState, string>> = {
  waiting: 'to be sent, at once or at the time shown',
  sending: 'on its way; where it stays so, the sidecar was ended meanwhile, and it is sent again',
  sent: 'the mail server has taken it',
  failed: 'given up; ERROR has what the server said: mend it, then `mandat notices retry`',
  'no-address':
    'no address is known for the recipient: tell them yourself, or record one, then `mandat notices retry ID`',
};

/** Said of a mailbox although its pass succeeded. */
export const REMARKS: Readonly<Record<Notice['code'], string>> = {
  'blocked-by-foreign-entry':
    "somebody else's entry keeps the delegate out, or takes rights from them: change it on the server",
  'let-in-by-foreign-entry': "somebody else's entry lets the delegate in after the revoke: take it away on the server",
  'no-session-cutting': '`[sessions]` is not configured: sessions that are open outlive the revoke',
  'cut-not-proven': 'a session was told to end, and whether it did was not seen, or it goes on',
  held: 'so many delegations disappeared at once that it may be an accident: `mandat sync --force` lets go',
  'out-of-reach': 'folders that no delegate can reach by any name',
  'drift-reported': "somebody else has changed a delegate's entry, and `[reconcile] on_drift` says to leave it so",
  'repaired-too-often':
    'an entry was put right three times within ten minutes and changed again each time: find the program that sets ACLs there too',
  'no-server-account': 'the mail server knows no account of this login',
  'tied-rights': 'the server gives some rights only together with one that is withheld: they are withheld too',
  'carried-off': 'a folder was renamed out of the mailbox by a delegate',
  'inheritance-unknown':
    "of a dry run: whether INBOX's entry holds for the other folders is not known before the first grant",
};
