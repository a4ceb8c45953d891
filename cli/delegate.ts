import { type Command, Option } from 'commander';
import { refuseOther } from '../bridge/account/identity.ts';
import { listedPerson } from '../bridge/directory/search.ts';
import { Failure } from '../bridge/shared/failure.ts';
import {
  addDelegate,
  type Delegate,
  type DelegateChange,
  delegateNamed,
  delegatePages,
  removeDelegate,
  setDelegate,
} from '../bridge/store/table/delegates.ts';
import type { DelegateState } from '../bridge/store/table/delegation-types.ts';
import { credentialEnd, login } from './arguments.ts';
import { confirmed } from './confirm.ts';
import { credentialCommands } from './credential.ts';
import { EXIT } from './exit.ts';
import { printList } from './long-list.ts';
import { facts, oneLine } from './output.ts';
import { changed, SAVE_ONLY } from './report-change.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { shownTime } from './times.ts';

interface Options {
  readonly login?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly profession?: string;
  readonly credentialUntil?: string;
  readonly state?: DelegateState;
}

const STATES: readonly DelegateState[] = ['active', 'suspended'];

export function delegateCommand(program: Command, run: Runner): void {
  const delegate = program.command('delegate').description('the people to whom mailboxes may be delegated');

  attributes(delegate.command('add').argument('<id>', 'their identifier'))
    .description('add a delegate')
    .action(
      run(async ({ out, config, files, writing, writer, identity }, typed: string, options: Options) => {
        const id = identity.read(typed);
        const asked = change(options, config.policy.timezone);
        const person = config.identity.scheme === 'rpps' ? listedPerson(files.privateDirectory, id) : undefined;
        if (person === null) {
          out.warn(`mandat: ${id} is not in the directory: nothing delegated to them will be in force until they are`);
        }
        const { firstName, lastName, profession } = person ?? {};
        const listed = person === undefined ? null : person !== null;
        const known = { firstName: firstName ?? null, lastName: lastName ?? null, profession: profession ?? null };
        if (person) refuseOther({ ...NAMELESS, ...asked, identifier: id }, person);
        const named = person ? { ...asked, ...known } : asked;
        const activation = config.accounts !== undefined;
        const state = await writing(id, (db) => addDelegate(db, writer, id, { ...named, listed }, { activation }));
        const added = oneLine(
          `${[id, firstName, lastName].filter(Boolean).join(' ')} added${profession ? `: ${profession}` : ''}`,
        );
        const next =
          state === 'pending'
            ? `\n  pending: once a mailbox has been delegated to them, "mandat account activate ${id} --email ADDRESS --accept-terms VERSION"`
            : '';
        out.result({ delegate: id, listed, state }, added + next);
        return undefined;
      }),
    );

  delegate
    .command('list')
    .description('list the delegates')
    .action(
      run(async ({ out, config, table: read }) => {
        const list = {
          head: ['IDENTIFIER', 'FIRST NAME', 'LAST NAME', 'LOGIN', 'STATE', 'CREDENTIAL UNTIL', 'MAILBOXES'],
          row: (one: Delegate) => [
            one.identifier,
            one.firstName,
            one.lastName,
            one.login,
            one.state,
            shownTime(one.credentialValidUntil, config.policy.timezone),
            one.mailboxes.length,
          ],
          document: (one: Delegate) => one,
          none: 'no delegates',
        };
        await read((db) => printList(out, list, () => delegatePages(db)));
        return undefined;
      }),
    );

  delegate
    .command('show')
    .description('show one delegate')
    .argument('<id>', 'their identifier or login')
    .action(
      run(async ({ out, config, table: read, delegate }, typed: string) => {
        const id = await delegate(typed);
        const found = await read((db) => delegateNamed(db, id));
        out.result(
          found,
          facts([
            ['identifier', found.identifier],
            ['login', found.login],
            ['first name', found.firstName],
            ['last name', found.lastName],
            ['profession', found.profession],
            ['state', found.state],
            ['in the directory', found.listed === null ? null : found.listed ? 'yes' : 'no'],
            ['credential until', shownTime(found.credentialValidUntil, config.policy.timezone)],
            ['mailboxes', found.mailboxes.join(', ')],
          ]),
        );
        return undefined;
      }),
    );

  attributes(delegate.command('set').argument('<id>', 'their identifier or login'))
    .option('--no-wait', SAVE_ONLY)
    .description('change what is given; the rest stays')
    .action(
      run(async (session, typed: string, { wait, ...options }: Options & { wait: boolean }) => {
        const asked = change(options, session.config.policy.timezone);
        if (Object.keys(asked).length === 0) {
          throw new Failure('config', 'nothing to change', 'give at least one option ("mandat delegate set --help")');
        }
        const id = await session.delegate(typed);
        refuseIdentity(session, asked);
        const activation = session.config.accounts !== undefined;
        await session.writing(id, (db) => setDelegate(db, session.writer, id, asked, { activation }));
        return changed(session, { delegate: id }, `${id} changed`, wait);
      }),
    );

  credentialCommands(delegate, run);

  delegate
    .command('remove')
    .description('remove a delegate; their delegations end')
    .argument('<id>', 'their identifier or login')
    .option('--yes', 'do not ask')
    .option('--no-wait', SAVE_ONLY)
    .action(
      run(async (session, typed: string, { yes, wait }: { yes?: boolean; wait: boolean }) => {
        const id = await session.delegate(typed);
        const { writing, writer, table: read } = session;
        const { mailboxes } = await read((db) => delegateNamed(db, id));
        const ends = mailboxes.length === 0 ? '' : `, which ends their access to ${mailboxes.join(', ')}`;
        if (!(await confirmed(session, `Remove the delegate ${id}${ends}?`, yes))) return EXIT.failed;
        await writing(id, (db) => removeDelegate(db, writer, id));
        return changed(session, { delegate: id, mailboxes }, `${id} removed${ends}`, wait);
      }),
    );
}

const NAMELESS = { firstName: null, lastName: null, profession: null };

/** R52: who somebody is, the directory says and nobody else. */
function refuseIdentity({ config }: Session, { firstName, lastName, profession }: DelegateChange): void {
  if (config.identity.scheme !== 'rpps') return;
  if (firstName === undefined && lastName === undefined && profession === undefined) return;
  throw new Failure(
    'refused',
    'name, first name and profession come from the directory only and can’t be changed (non modifiables); nothing was changed',
    '"mandat directory import" takes over what has changed there',
    { rule: 'MANDAT_IDENTITY' },
  );
}

function attributes(command: Command): Command {
  return command
    .option('--login <login>', 'their login on the mail server, where it is not the identifier', login)
    .option('--first-name <name>', 'their first name')
    .option('--last-name <name>', 'their last name')
    .option('--profession <name>', 'their profession')
    .option(
      '--credential-until <time>',
      'when their credential lapses: a date (to its end) or a time with its zone; "never"; "unknown"',
    )
    .addOption(new Option('--state <state>', 'suspended: none of their delegations is in force').choices(STATES));
}

function change(options: Options, timezone: string): DelegateChange {
  const { credentialUntil, ...rest } = options;
  if (credentialUntil === undefined) return rest;
  const until = credentialEnd(credentialUntil, timezone, '--credential-until');
  return { ...rest, credentialValidUntil: until };
}
