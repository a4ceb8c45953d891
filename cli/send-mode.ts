import type { Command } from 'commander';
import { SEND_MODES, type SendMode } from '../acl/delegation-facts.ts';
import { mayDelegate } from '../bridge/acting/permitted.ts';
import { setSendMode } from '../bridge/store/table/delegations.ts';
import { address } from './arguments.ts';
import type { Runner } from './runner.ts';

export const SEND_MODE =
  "whom recipients see as the sender of a delegate's mail for the owner: both of them, or the owner alone";

/** R31: it holds for the next message; nothing on the servers changes. */
export function sendModeCommand(program: Command, run: Runner): void {
  program
    .command('send-mode')
    .description(`${SEND_MODE}; needs the submission filter`)
    .argument('<mailbox>', 'the address of the mailbox', address)
    .argument('<delegate>', "the delegate's identifier or login")
    .addArgument(program.createArgument('<mode>', 'site: as [submission] mode has it').choices([...SEND_MODES, 'site']))
    .action(
      run(
        async (session, mailbox: string, typed: string, mode: SendMode | 'site') => {
          const delegate = await session.delegate(typed);
          await session.table((db) => mayDelegate(session, db, [mailbox]));
          const sendMode = mode === 'site' ? null : mode;
          await session.writing(mailbox, (db) => setSendMode(db, session.writer, mailbox, delegate, sendMode));
          if (session.config.submission === undefined) {
            session.out.warn('mandat: [submission] is not configured: From and Sender are what the client writes');
          }
          const how = mode === 'site' ? 'as the site has it' : mode;
          session.out.result({ mailbox, delegate, sendMode }, `${mailbox} to ${delegate}: sends ${how}`);
          return undefined;
        },
        ['owner', 'delegate'],
      ),
    );
}
