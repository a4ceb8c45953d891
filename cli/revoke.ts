import type { Command } from 'commander';
import { delegateNamed } from '../bridge/store/delegates.ts';
import { listDelegations } from '../bridge/store/delegation-list.ts';
import { noSuchDelegation, revoke } from '../bridge/store/delegations.ts';
import { mailboxAt } from '../bridge/store/mailboxes.ts';
import { mayDelegate } from './actor.ts';
import { bulk, delegationArguments, subject } from './bulk.ts';
import { followChange, waitOptions } from './change.ts';
import { confirmed } from './confirm.ts';
import { readDelegations } from './csv.ts';
import { EXIT } from './exit.ts';
import { counted } from './output.ts';
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
        const about = subject(at, to, options);
        if ('from' in about) {
          const rows = readDelegations(about.from, session.config.policy.timezone, session.identity.find);
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
        const delegate = session.identity.find(about.delegate);
        await session.table(async (db) => {
          await mayDelegate(session, db, [mailbox]);
          await mailboxAt(db, mailbox);
          await delegateNamed(db, delegate);
          if ((await listDelegations(db, { mailbox, delegate })).length === 0)
            throw noSuchDelegation(mailbox, delegate);
        });
        const question = `End the delegation of ${mailbox} to ${delegate}? He loses access at once.`;
        if (!(await confirmed(session, question, options.yes))) return EXIT.failed;
        const began = performance.now();
        const written = await session.writing(mailbox, (db) => revoke(db, session.writer, mailbox, delegate));
        return followChange(session, { verb: 'revoke', mailbox, delegate, written, began }, options.wait);
      },
      ['owner', 'delegate'],
    ),
  );
}
