import type { Command } from 'commander';
import { delegationOf, revokeDelegation } from '../bridge/acting/delegations.ts';
import { mayDelegate } from '../bridge/acting/permitted.ts';
import type { Delegation } from '../bridge/store/table/delegation-list.ts';
import { bulk, byIdentifier, delegationArguments, subject } from './bulk.ts';
import { confirmed } from './confirm.ts';
import { EXIT } from './exit.ts';
import { followChange, waitOptions } from './follow-change.ts';
import { counted, oneLine } from './output.ts';
import type { Runner } from './runner.ts';

interface Options {
  readonly yes?: boolean;
  readonly wait: number | false;
  readonly from?: string;
  readonly atomic?: boolean;
}

export function revokeCommand(program: Command, run: Runner): void {
  const command = delegationArguments(program.command('revoke'), 'mailbox,delegate')
    .description('end a delegation: access, sending and open sessions, at once')
    .option('--yes', 'do not ask');
  waitOptions(command).action(
    run(
      async (session, at: string | undefined, to: string | undefined, options: Options) => {
        const about = subject('revoke', at, to, options);
        if ('from' in about) {
          const { readDelegations } = await import('./csv.ts');
          const typed = readDelegations(about.from, session.config.policy.timezone, session.identity.find);
          const rows = await byIdentifier(session, typed);
          await session.table((db) =>
            mayDelegate(
              session,
              db,
              rows.map((row) => row.mailbox),
            ),
          );
          const question = `End the ${counted(rows.length, 'delegation')} that ${about.from} names? The delegates lose access at once.`;
          if (!(await confirmed(session, question, options.yes))) return EXIT.failed;
          return bulk(session, 'revoke', about.from, rows, { ...options, writer: session.writer });
        }
        const { mailbox } = about;
        const { delegate: person } = await delegationOf(session, about);
        const question = `End the delegation of ${mailbox} to ${calledInFull(person)}? They lose access at once.`;
        if (!(await confirmed(session, question, options.yes))) return EXIT.failed;
        const began = performance.now();
        const done = await revokeDelegation(session, { mailbox, delegate: person.identifier });
        return followChange(session, { ...done, began }, options.wait);
      },
      ['owner', 'delegate'],
    ),
  );
}

/** `Bob Martin (810101026994, bob@example.org)`, as far as it is known. */
function calledInFull({ identifier, login, firstName, lastName }: Delegation['delegate']): string {
  const name = oneLine([firstName, lastName].filter(Boolean).join(' '));
  const known = [...new Set([identifier, login])].join(', ');
  return name === '' ? known : `${name} (${known})`;
}
