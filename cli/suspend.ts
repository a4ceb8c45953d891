import type { Command } from 'commander';
import { setSuspended } from '../bridge/store/table/delegations.ts';
import { address } from './arguments.ts';
import { followChange, waitOptions } from './follow-change.ts';
import { policyNow, whyWithheld } from './not-in-force.ts';
import { mayDelegate } from './permitted.ts';
import type { Runner } from './runner.ts';

/** R14: suspended is not ended. The row stays, and counts for the limit. */
export function suspendCommand(program: Command, run: Runner): void {
  for (const verb of ['suspend', 'resume'] as const) {
    const command = program
      .command(verb)
      .description(
        verb === 'suspend'
          ? 'withdraw a delegation for a time: the row stays, access and sending go at once'
          : 'put a suspended delegation in force again',
      )
      .argument('<mailbox>', 'the address of the mailbox', address)
      .argument('<delegate>', "the delegate's identifier or login");
    waitOptions(command).action(
      run(
        async (session, mailbox: string, typed: string, { wait }: { readonly wait: number | false }) => {
          const began = performance.now();
          await session.table((db) => mayDelegate(session, db, [mailbox]));
          const delegate = await session.delegate(typed);
          const { written, withheld } = await session.writing(mailbox, async (db) => ({
            written: await setSuspended(db, session.writer, mailbox, delegate, verb === 'suspend'),
            withheld: verb === 'resume' ? await whyWithheld(db, await policyNow(session), mailbox, delegate) : [],
          }));
          if (written.unchanged === true) {
            const already = verb === 'suspend' ? 'is suspended already' : 'is not suspended';
            const document = { mailbox, delegate, saved: false, unchanged: true };
            session.out.result(document, `${mailbox} to ${delegate}: unchanged, it ${already}`);
            return undefined;
          }
          return followChange(session, { verb, mailbox, delegate, written, began, withheld }, wait);
        },
        ['owner', 'delegate'],
      ),
    );
  }
}
