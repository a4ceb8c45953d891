import type { Command } from 'commander';
import { may, mayDelegate } from '../bridge/acting/permitted.ts';
import { policyOf } from '../bridge/configured/site-policy.ts';
import { type Access, type AccessQuestion, accessAt, accessNow } from '../bridge/questions/access.ts';
import { openSenderMap, senderMapExists } from '../bridge/store/published/sender-map.ts';
import { mailboxAt } from '../bridge/store/table/mailboxes.ts';
import { vouchingKey } from '../bridge/store/table/vouched-events.ts';
import { address, instant } from './arguments.ts';
import { otherEntriesAt, otherEntryLine } from './other-entries.ts';
import { table } from './output.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { shownTime } from './times.ts';

interface Options {
  readonly at?: string;
}

const AT = ['--at <time>', 'at a date (its end) or a time with its zone, by the audit trail'] as const;

/** Who has what: by mailbox, and by delegate. R3, R47. */
export function whoCommand(program: Command, run: Runner): void {
  program
    .command('who')
    .description('who has access to a mailbox and may send for it, now or at a past time')
    .argument('<mailbox>', 'the address of the mailbox', address)
    .option(...AT)
    .action(
      run(
        async (session, mailbox: string, { at }: Options) => {
          if (at === undefined) await session.table((db) => mailboxAt(db, mailbox));
          await session.table((db) => mayDelegate(session, db, [mailbox]));
          return print(session, { mailbox }, at);
        },
        ['owner'],
      ),
    );

  program
    .command('what')
    .description('which mailboxes a delegate has access to and may send for, now or at a past time')
    .argument('<delegate>', 'their identifier or login')
    .option(...AT)
    .action(
      run(
        async (session, typed: string, { at }: Options) => {
          const delegate = await session.delegate(typed, at === undefined ? undefined : 'may be gone');
          may(session, { kind: 'account', identifier: delegate });
          return print(session, { delegate }, at);
        },
        ['delegate'],
      ),
    );
}

async function print(session: Session, about: AccessQuestion, at: string | undefined): Promise<undefined> {
  const { out, config } = session;
  const { timezone } = config.policy;
  const then = at === undefined ? undefined : instant(at, 'end', timezone, '--at');
  const found = await session.table((table) =>
    session.state((state) =>
      then === undefined
        ? withRules(session, (rules) =>
            accessNow(table, state, about, policyOf(config), rules, new Date().toISOString()),
          )
        : accessAt(table, state, about, then, vouchingKey(session.files.sealKey)),
    ),
  );
  const { mailbox } = about;
  const others = then !== undefined || mailbox === undefined ? [] : await otherEntriesAt(session, mailbox);
  const rows = found.map((one) => [
    ...(about.mailbox === undefined
      ? [one.mailbox]
      : [one.delegate, [one.firstName, one.lastName].filter(Boolean).join(' '), one.login]),
    shownTime(one.delegated, timezone),
    one.access === null ? `no${one.why === null ? '' : `: ${one.why}`}` : shownTime(one.access, timezone),
    one.sends.join(', '),
  ]);
  const first = about.mailbox === undefined ? ['MAILBOX'] : ['DELEGATE', 'NAME', 'LOGIN'];
  const document = { ...about, at: then ?? null, access: found satisfies readonly Access[] };
  const lines = [
    rows.length === 0 ? 'nobody' : table([...first, 'DELEGATED SINCE', 'ACCESS SINCE', 'MAY SEND AS'], rows),
    ...others.map((one) => otherEntryLine(one, timezone)),
  ];
  out.result(
    { ...document, ...(mailbox === undefined ? {} : { others: then === undefined ? others : null }) },
    lines.join('\n'),
  );
  return undefined;
}

/** The sender rules as they are published. */
async function withRules<T>(
  { config, files }: Session,
  work: (rules: Parameters<typeof accessNow>[4]) => Promise<T>,
): Promise<T> {
  if (config.senderRules === undefined || !senderMapExists(files.senderDirectory)) return work(() => []);
  const map = openSenderMap(files.senderDirectory, { readonly: true });
  try {
    return await work(map.rules);
  } finally {
    map.close();
  }
}
