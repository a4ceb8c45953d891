import { type Command, Option } from 'commander';
import { setMailboxContact } from '../bridge/acting/mailbox-contact.ts';
import { Failure } from '../bridge/shared/failure.ts';
import type { Language } from '../bridge/store/state/state-db.ts';
import { address } from './arguments.ts';
import { facts } from './output.ts';
import type { Runner } from './runner.ts';

interface Options {
  readonly set?: string;
  readonly language?: Language;
  readonly clear?: boolean;
}

/** Outside the mailbox, since whoever it is delegated to can delete from it. It stands in state.db alone. */
export function mailboxContact(mailbox: Command, run: Runner): void {
  mailbox
    .command('contact')
    .description("the owner's second address for notices, outside the mailbox; without an option, show it")
    .argument('<address>', 'the mailbox', address)
    .option('--set <email>', 'send their notices there too', address)
    .addOption(new Option('--language <language>', 'the language of what the owner is told').choices(['fr', 'en']))
    .option('--clear', 'send them there no longer')
    .action(
      run(
        async (session, at: string, { set, language, clear }: Options) => {
          const { out } = session;
          if (set !== undefined && clear === true) {
            throw new Failure('config', '--set and --clear contradict each other', 'give one of them');
          }
          const kept = {
            ...(set === undefined ? {} : { address: set }),
            ...(language === undefined ? {} : { language }),
          };
          const change = clear === true ? { address: null, language: language ?? null } : kept;
          const after = await setMailboxContact(session, at, change);
          out.result(
            { mailbox: at, contact: after.address, language: after.language },
            facts([
              ['mailbox', at],
              ['contact', after.address],
              ['language', after.language],
            ]),
          );
          return undefined;
        },
        ['owner'],
      ),
    );
}
