// docs/reference/codes.md: every code that somebody can meet, from the code's own tables and from the words beside them.

import { CONDITIONS } from '../../acl/conditions.ts';
import { CHECKS } from '../../bridge/doctor/checks.ts';
import { NOTICES } from '../../bridge/notify/templates.ts';
import type { FailureCode } from '../../bridge/shared/failure.ts';
import { exitStatusOf } from '../../cli/exit.ts';
import { refusalsOfTheTable } from './code-sources.ts';
import { EXIT_STATUSES } from './commands.ts';
import { code, MADE, page, prose, table } from './markdown.ts';
import { ACCOUNTS, ASKED, EVENTS, OTHERS, OUTCOMES, STEPS } from './words/audit-actions.ts';
import { CHECK_WORDS } from './words/doctor-checks.ts';
import { OF_COMMANDS, OF_SERVERS, OF_THE_API, OF_THE_HOUSE, OF_THE_TABLE, WARNINGS } from './words/refusals.ts';
import { type Answer, COMMANDS, COPIES, FILTER, SOCKETMAP } from './words/smtp-answers.ts';
import * as states from './words/states.ts';

type Words = Readonly<Record<string, string>>;

export function codesPage(): string {
  return page([
    MADE('the code and .ci/manual/words/'),
    '# Codes',
    `What mandat says by a code, and what it means. ${code('--json')} gives the same words; scripts may rely on them.`,
    ...exitParts(),
    ...refusalParts(),
    ...conditionParts(),
    ...checkParts(),
    ...answerParts(),
    ...auditParts(),
    ...noticeParts(),
    ...stateParts(),
  ]);
}

/** Words are Markdown already. */
const list = (head: string, words: Words): string =>
  table(
    [head, 'means'],
    Object.entries(words).map(([name, means]) => [code(name), means]),
  );

function exitParts(): readonly string[] {
  const failures = Object.entries(states.FAILURES) as readonly [FailureCode, string][];
  return [
    '## Exit statuses',
    table(
      ['status', 'means'],
      EXIT_STATUSES.map(([status, means]) => [status, prose(means)]),
    ),
    `What a command can end with beside 0 stands below it in [commands.md](commands.md).`,
    '## Failures',
    `The field ${code('code')} of a failure in ${code('--json')}, in ${code('mandat status')} and in the log: who must act. ${code('rule')} beside it is the name of the rule behind it, from the tables below, or null; where a server said no in words of its own, its response code.`,
    table(
      ['code', 'exit status', 'means'],
      failures.map(([name, means]) => [code(name), String(exitStatusOf(name)), means]),
    ),
  ];
}

function refusalParts(): readonly string[] {
  const sentences = refusalsOfTheTable();
  return [
    '## Refusals of the table',
    `Whatever program writes the table, its own rules look at each row. What they refuse is an SQLite error whose text is ${code('CODE: a sentence')}. The codes stay; the sentences may be reworded.`,
    table(
      ['code', 'what it says', 'what to do'],
      Object.entries(OF_THE_TABLE).map(([name, means]) => [
        code(name),
        (sentences.get(name) ?? []).map(prose).join('; '),
        means,
      ]),
    ),
    '## Refusals of commands',
    'Beside those of the table, which commands show as well.',
    list('code', OF_COMMANDS),
    '## Refusals of the HTTP API',
    `The field ${code('code')} of a problem: [portal-api.md](../portal-api.md). Beside those above, which it shows as well.`,
    list('code', OF_THE_API),
    '## Warnings of commands',
    list('code', WARNINGS),
    '## Failures of the databases',
    list('code', OF_THE_HOUSE),
    '## Failures of mail servers',
    list('code', OF_SERVERS),
  ];
}

function conditionParts(): readonly string[] {
  return [
    '## Why a delegation is not in force',
    `A row stays while one of these conditions does not hold, and is in force again when all of them do. ${code('mandat explain MAILBOX DELEGATE')} shows each; the first that fails, in this order, is the reason that is told.`,
    table(
      ['code', 'what is said', 'what would change it'],
      CONDITIONS.map(({ why, broken, remedy }) => [code(why), prose(broken), prose(remedy)]),
    ),
  ];
}

function checkParts(): readonly string[] {
  return [
    '## Checks of the doctor',
    `In the order of ${code('mandat doctor')}. A check whose ground is missing is skipped: the last column names what it needs.`,
    table(
      ['check', 'what it looks at', 'needs'],
      CHECKS.map(({ name, needs }) => [
        code(name),
        CHECK_WORDS[name] ?? '',
        needs.map((one) => code(one.name)).join(', '),
      ]),
    ),
    list('status', states.CHECK_STATUSES),
  ];
}

function answerParts(): readonly string[] {
  const shown = (answers: readonly Answer[]) =>
    table(
      ['answer', 'means'],
      answers.map(({ code: number, says, means }) => [code([number, says].filter(Boolean).join(' ')), means]),
    );
  return [
    '## Answers of the submission filter',
    'To whoever submits the message. What Postfix answers behind the filter is passed on as it is.',
    shown(FILTER),
    'To a Postfix that speaks otherwise than it should:',
    shown(COMMANDS),
    '## Answers to copies for Sent',
    "They stand in Postfix's queue and log. 4xx: Postfix tries again; 5xx: given up.",
    shown(COPIES),
    '## Answers of the socketmap',
    shown(SOCKETMAP),
  ];
}

function auditParts(): readonly string[] {
  return [
    '## Actions of the audit trail',
    `The column WHAT of ${code('mandat audit')}. What was asked for in the table:`,
    list('action', ASKED),
    'What a command did:',
    list('action', EVENTS),
    'Accounts of delegates:',
    list('action', ACCOUNTS),
    'What was done on a server:',
    list('action', STEPS),
    'What came of it:',
    list('action', OUTCOMES),
    'Mail, and the trail itself:',
    list('action', OTHERS),
    `An entry can be a claim: ${code('claimed')} is ${code('actor')} where nobody vouches for who did it, and ${code('event')} where nobody vouches that it happened, since whoever may write the table may write its events too.`,
  ];
}

function noticeParts(): readonly string[] {
  const parts = (kind: string) =>
    [...new Set(NOTICES.filter((one) => one.kind === kind).map(({ part }) => code(part)))].join(', ');
  return [
    '## Notices',
    `Mails to owners and delegates (${code('mandat notices list')}).`,
    table(
      ['kind', 'tells that', 'goes to'],
      Object.entries(states.NOTICE_KINDS).map(([kind, tells]) => [code(kind), tells, parts(kind)]),
    ),
    list('to', states.NOTICE_PARTS),
    list('state', states.NOTICE_STATES),
  ];
}

function stateParts(): readonly string[] {
  return [
    '## Remarks of a pass',
    `The field ${code('notices')} of ${code('mandat grant --json')}, ${code('mandat sync --json')} and ${code('mandat status --json')}: the pass succeeded, and this is to be known.`,
    list('code', states.REMARKS),
    '## States',
    `Of a delegation, in ${code('mandat list')}:`,
    list('state', states.DELEGATION_STATES),
    `Of a delegate's account, in ${code('mandat delegate list')}:`,
    list('state', states.ACCOUNT_STATES),
    'Kinds of mailboxes:',
    list('kind', states.MAILBOX_KINDS),
  ];
}
