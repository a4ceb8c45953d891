import { type Command, Option } from 'commander';
import { mayDelegate } from '../bridge/acting/permitted.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { ownerContact, setOwnerContact } from '../bridge/store/state/contacts.ts';
import type { Language } from '../bridge/store/state/state-db.ts';
import { noteEvent } from '../bridge/store/table/events.ts';
import { mailboxAt } from '../bridge/store/table/mailboxes.ts';
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
          const { out, table, state } = session;
          if (set !== undefined && clear === true) {
            throw new Failure('config', '--set and --clear contradict each other', 'give one of them');
          }
          const { id, aliases } = await table(async (db) => {
            await mayDelegate(session, db, [at]);
            return mailboxAt(db, at);
          });
          if (set !== undefined && [at, ...aliases].includes(set)) {
            throw new Failure('refused', `${set} is this mailbox itself`, 'give an address outside it', {
              rule: 'MANDAT_CONTACT',
            });
          }
          const before = await state((db) => ownerContact(db, id));
          const after = {
            address: clear === true ? null : (set ?? before.address),
            language: language ?? (clear === true ? null : before.language),
          };
          if (after.address !== before.address || after.language !== before.language) {
            await state((db) => setOwnerContact(db, id, after));
            const contact =
              after.address === null ? 'none' : after.address === before.address ? 'as before' : 'another';
            const detail = { contact, language: after.language }; // never the address: it is private
            await table((db) => noteEvent(db, session.writer, { action: 'mailbox-contact', mailbox: at, detail }));
          }
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
