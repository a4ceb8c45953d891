import type { Command } from 'commander';
import { resumeDelegation, suspendDelegation } from '../bridge/acting/delegations.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { address } from './arguments.ts';
import { followChange, waitOptions } from './follow-change.ts';
import { endPause } from './pause.ts';
import type { Runner } from './runner.ts';

/** R14: suspended is not ended. The row stays, and counts for the limit. */
export function suspendCommand(program: Command, run: Runner): void {
  for (const verb of ['suspend', 'resume'] as const) {
    const taking = verb === 'suspend';
    const command = program
      .command(verb)
      .description(
        taking
          ? 'take a delegation out of force for a time: the row stays, access and sending end at once'
          : 'put a suspended delegation in force again; without arguments, end a pause ("mandat pause")',
      )
      .argument(taking ? '<mailbox>' : '[mailbox]', 'the address of the mailbox', address)
      .argument(taking ? '<delegate>' : '[delegate]', "the delegate's identifier or login");
    if (!taking) command.usage('[options] [<mailbox> <delegate>]');
    waitOptions(command).action(
      run(
        async (
          session,
          mailbox: string | undefined,
          typed: string | undefined,
          { wait }: { readonly wait: number | false },
        ) => {
          if (mailbox === undefined) return endPause(session);
          if (typed === undefined) {
            throw new Failure(
              'config',
              "missing required argument 'delegate'",
              `Usage: mandat ${verb} [options] <mailbox> <delegate> ("mandat ${verb} --help" says more)`,
            );
          }
          const began = performance.now();
          const change = taking ? suspendDelegation : resumeDelegation;
          const done = await change(session, { mailbox, delegate: typed });
          const { delegate, written } = done;
          if (written.unchanged === true) {
            const already = verb === 'suspend' ? 'is suspended already' : 'is not suspended';
            const document = { mailbox, delegate, saved: false, unchanged: true };
            session.out.result(document, `${mailbox} to ${delegate}: unchanged, it ${already}`);
            return undefined;
          }
          return followChange(session, { ...done, began }, wait);
        },
        ['owner', 'delegate'],
      ),
    );
  }
}
