import { type Command, Option } from 'commander';
import type { Identity } from '../bridge/acting/identity.ts';
import { publishedOf } from '../bridge/acting/personal-mailbox.ts';
import { filled, refuseContradictions } from '../bridge/directory/published-mailbox.ts';
import { listedPerson } from '../bridge/directory/search.ts';
import { Failure } from '../bridge/shared/failure.ts';
import type { DataFiles } from '../bridge/store/files/data-files.ts';
import type { DelegationDb } from '../bridge/store/table/delegation-db.ts';
import type { MailboxKind } from '../bridge/store/table/delegation-types.ts';
import {
  addAlias,
  addMailbox,
  type Mailbox,
  type MailboxChange,
  mailboxAt,
  mailboxPages,
  removeAlias,
  removeMailbox,
  setMailbox,
} from '../bridge/store/table/mailboxes.ts';
import type { Config } from '../config/schema.ts';
import { accountOf } from './account-exists.ts';
import { address, login, serverName } from './arguments.ts';
import { confirmed } from './confirm.ts';
import { EXIT } from './exit.ts';
import { moved } from './follow-move.ts';
import { printList } from './long-list.ts';
import { mailboxContact } from './mailbox-contact.ts';
import { counted, facts } from './output.ts';
import { changed, SAVE_ONLY } from './report-change.ts';
import type { Runner } from './runner.ts';

interface Options {
  readonly login?: string;
  readonly owner?: string;
  readonly kind?: MailboxKind;
  readonly eligible?: boolean;
  readonly server?: string;
}

const KINDS: readonly MailboxKind[] = ['PER', 'ORG', 'APP', 'CAB'];

export function mailboxCommand(program: Command, run: Runner): void {
  const mailbox = program.command('mailbox').description('the mailboxes that may be delegated');

  attributes(mailbox.command('add').argument('<address>', 'the mailbox', address))
    .description('add a mailbox')
    .action(
      run(async (session, at: string, options: Options) => {
        const { out, config, files, writing, writer, identity } = session;
        const published = publishedOf(session, at);
        const asked = change({ ...filled(published), ...options }, identity, ownerLookup(config, files));
        refuseContradictions(at, asked, published);
        await writing(at, (db) => addMailbox(db, writer, at, asked));
        const { kind = null, owner = null } = asked;
        const known =
          published.length === 0 ? '' : `: ${kind}${owner === null ? '' : ` of ${owner}`}, by the MSSanté list`;
        const never = kind === null || kind === 'PER' ? '' : '. Only PER can be delegated';
        const account = await accountOf(session, at, asked.login ?? at);
        const document = { mailbox: at, kind, owner, published: published.length > 0, account: account.known };
        out.result(document, `${at} added${known}${never}`);
        if (account.warning !== undefined) out.warn(`mandat: ${account.warning}`);
        return undefined;
      }),
    );

  mailbox
    .command('list')
    .description('list the mailboxes')
    .action(
      run(async ({ out, table: read }) => {
        const list = {
          head: ['ADDRESS', 'LOGIN', 'KIND', 'ELIGIBLE', 'DELEGATES'],
          row: ({ address: at, login: by, kind, eligible, delegates }: Mailbox) => [
            at,
            by,
            kind,
            eligible ? 'yes' : 'no',
            delegates,
          ],
          document,
          none: 'no mailboxes',
        };
        await read((db) => printList(out, list, () => mailboxPages(db)));
        return undefined;
      }),
    );

  mailbox
    .command('show')
    .description('show one mailbox')
    .argument('<address>', 'the mailbox', address)
    .action(
      run(async ({ out, table: read }, at: string) => {
        const found = await read((db) => mailboxAt(db, at));
        out.result(
          document(found),
          facts([
            ['address', found.address],
            ['login', found.login],
            ['owner', found.owner],
            ['kind', found.kind],
            ['eligible', found.eligible ? 'yes' : 'no'],
            ['server', found.server],
            ['aliases', found.aliases.join(', ')],
            ['delegates', found.delegates],
          ]),
        );
        return undefined;
      }),
    );

  attributes(mailbox.command('set').argument('<address>', 'the mailbox', address))
    .option('--address <address>', 'its new address', address)
    .option('--no-wait', SAVE_ONLY)
    .description('change what is given; the rest stays')
    .action(
      run(async (session, at: string, { wait, ...options }: Options & { address?: string; wait: boolean }) => {
        const asked = {
          ...change(options, session.identity, ownerLookup(session.config, session.files)),
          ...(options.address === undefined ? {} : { address: options.address }),
        };
        if (Object.keys(asked).length === 0) {
          throw new Failure('config', 'nothing to change', 'give at least one option ("mandat mailbox set --help")');
        }
        const to = asked.address ?? at;
        // Another address is another line of the list: what the mailbox is must agree with that one too.
        const stays = asked.address === undefined ? {} : await session.table((db) => mailboxAt(db, at));
        refuseContradictions(to, { ...stays, ...asked }, publishedOf(session, to));
        const before = asked.server === undefined ? undefined : await session.table((db) => mailboxAt(db, at));
        await session.writing(at, (db) => setMailbox(db, session.writer, at, asked));
        const { server = before?.server } = asked;
        if (wait && before !== undefined && server !== undefined && server !== before.server && session.config.database)
          return moved(session, { mailboxId: before.id, address: to, from: before.server, to: server });
        return changed(session, { mailbox: to }, `${at} changed`, wait);
      }),
    );

  mailbox
    .command('remove')
    .description('remove a mailbox; its delegations end')
    .argument('<address>', 'the mailbox', address)
    .option('--yes', 'do not ask')
    .option('--no-wait', SAVE_ONLY)
    .action(
      run(async (session, at: string, { yes, wait }: { yes?: boolean; wait: boolean }) => {
        const { writing, writer, table: read } = session;
        const { delegates } = await read((db) => mailboxAt(db, at));
        const ends = delegates === 0 ? '' : `, which ends ${counted(delegates, 'delegation')}`;
        if (!(await confirmed(session, `Remove the mailbox ${at}${ends}?`, yes))) return EXIT.failed;
        await writing(at, (db) => removeMailbox(db, writer, at));
        return changed(session, { mailbox: at, delegations: delegates }, `${at} removed${ends}`, wait);
      }),
    );

  mailboxContact(mailbox, run);

  const alias = mailbox
    .command('alias')
    .description("the owner's further addresses, from which they and their delegates may send");
  alias
    .command('list')
    .description('list the further addresses')
    .argument('[address]', 'of one mailbox; of all of them when it is left out', address)
    .action(
      run(async ({ out, table: read }, at: string | undefined) => {
        const pages = async function* (db: DelegationDb) {
          for await (const page of at === undefined ? mailboxPages(db) : [[await mailboxAt(db, at)]])
            yield page.flatMap((one) => one.aliases.map((other) => ({ mailbox: one.address, alias: other })));
        };
        const list = {
          head: ['MAILBOX', 'ALIAS'],
          row: (one: { readonly mailbox: string; readonly alias: string }) => [one.mailbox, one.alias],
          document: (one: object) => one,
          none: 'no aliases',
        };
        await read((db) => printList(out, list, () => pages(db)));
        return undefined;
      }),
    );
  for (const [verb, work] of [
    ['add', addAlias],
    ['remove', removeAlias],
  ] as const) {
    alias
      .command(verb)
      .description(
        verb === 'add' ? 'let the owner and their delegates send from it' : 'no longer let them send from it',
      )
      .argument('<address>', 'the mailbox', address)
      .argument('<alias>', 'the further address', address)
      .option('--no-wait', SAVE_ONLY)
      .action(
        run(async (session, at: string, other: string, { wait }: { wait: boolean }) => {
          await session.writing(`${at}, alias ${other}`, async (db) => {
            await mailboxAt(db, at);
            await work(db, session.writer, at, other);
          });
          const did = `${at}: alias ${other} ${verb === 'add' ? 'added' : 'removed'}`;
          return changed(session, { mailbox: at, alias: other }, did, wait);
        }),
      );
  }
}

function attributes(command: Command): Command {
  return command
    .option('--login <login>', "the owner's login on the mail server, where it is not the address", login)
    .option('--owner <id>', "the owner's identifier")
    .addOption(new Option('--kind <kind>', 'what kind of mailbox it is; only PER can be delegated').choices(KINDS))
    .option('--server <name>', 'the mail server that it is on, as [server] name has it there', serverName)
    .option('--eligible', 'it may be delegated')
    .option('--not-eligible', 'it may not be delegated');
}

/** Whether the directory lists somebody; null where that says nothing. */
const ownerLookup =
  ({ identity: { scheme } }: Config, { privateDirectory }: DataFiles) =>
  (identifier: string): boolean | null => {
    const person = scheme === 'rpps' ? listedPerson(privateDirectory, identifier) : undefined;
    return person === undefined ? null : person !== null;
  };

/** commander makes --not-eligible an option of its own name. */
function change(
  options: Options & { notEligible?: boolean },
  { read }: Identity,
  listed: (identifier: string) => boolean | null,
): MailboxChange {
  const { notEligible, login: by, owner, kind, eligible, server } = options;
  return {
    ...(by === undefined ? {} : { login: by }),
    ...(owner === undefined ? {} : ownedBy(read(owner), listed)),
    ...(kind === undefined ? {} : { kind }),
    ...(server === undefined ? {} : { server }),
    ...(notEligible === true ? { eligible: false } : eligible === true ? { eligible: true } : {}),
  };
}

const ownedBy = (owner: string, listed: (identifier: string) => boolean | null) => ({
  owner,
  ownerListed: listed(owner),
});

function document({ id: _, ...mailbox }: Mailbox) {
  return mailbox;
}
