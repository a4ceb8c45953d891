/** A delegate's account: what they see of it and may change themselves. R43, R50 to R53, R56. */

import type { Command } from 'commander';
import { holderOf } from '../bridge/acting/account-holder.ts';
import { type AccountView, acceptTerms, accountOf, refuseMails } from '../bridge/acting/accounts.ts';
import { eraseAccounts } from '../bridge/store/state/account-erasure.ts';
import type { OptOut } from '../bridge/store/state/private-accounts.ts';
import { endHolder } from '../bridge/store/table/account-holders.ts';
import { activationCommands } from './activation.ts';
import { confirmed } from './confirm.ts';
import { EXIT } from './exit.ts';
import { openMailboxCommand } from './open-mailbox.ts';
import { counted, facts } from './output.ts';
import { changed, SAVE_ONLY } from './report-change.ts';
import type { Runner } from './runner.ts';
import { SELF_SERVICE } from './self-service.ts';
import type { Session } from './session.ts';
import { shownTime } from './times.ts';

export function accountCommand(program: Command, run: Runner): void {
  const account = program
    .command('account')
    .description('the accounts of delegates: activation, contact, terms of use');
  const own = (name: string) => account.command(name).argument('<id>', "the delegate's identifier");

  own('show')
    .description(
      'show who a delegate is, how they are reached, what they accepted, and what has been delegated to them',
    )
    .action(run(async (session, typed: string) => show(session, await accountOf(session, typed)), SELF_SERVICE));

  activationCommands(own, run);

  own('accept-terms')
    .description('accept a new version of the terms of use; until then nothing delegated to them is in force')
    .argument('<version>', 'the version that has been read')
    .option('--no-wait', SAVE_ONLY)
    .action(
      run(async (session, typed: string, version: string, { wait }: { wait: boolean }) => {
        const did = await acceptTerms(session, typed, version);
        const { delegate: identifier } = did;
        if (!did.changed) return void session.out.result(did, `${identifier}: as it was`);
        return changed(session, did, `${identifier}: terms of use ${version} accepted`, wait);
      }, SELF_SERVICE),
    );

  own('opt-out')
    .description('refuse mails that are not about their delegations; mails about them always come')
    .addArgument(account.createArgument('<what>').choices(['surveys', 'newsletters']))
    .option('--no', 'refuse them no longer')
    .action(
      run(async (session, typed: string, what: OptOut, { no }: { no?: boolean }) => {
        const did = await refuseMails(session, typed, what, no !== true);
        const sentence = did.refuses ? `refuses ${what}` : `does not refuse ${what} any more`;
        session.out.result(did, `${did.delegate} ${sentence}`);
        return undefined;
      }, SELF_SERVICE),
    );

  own('end')
    .description(
      'close an account for good: nothing delegated to them is in force any more, and what is private is erased',
    )
    .option('--yes', 'do not ask')
    .option('--no-wait', SAVE_ONLY)
    .action(
      run(async (session, typed: string, { yes, wait }: { yes?: boolean; wait: boolean }) => {
        const holder = await holderOf(session, typed);
        const { identifier, delegated } = holder;
        const ends = delegated.length === 0 ? '' : `, which ends their access to ${delegated.join(', ')}`;
        if (!(await confirmed(session, `Close the account of ${identifier} for good${ends}?`, yes))) return EXIT.failed;
        // Access first; whatever comes between, the next sweep erases the rest.
        const now = await session.writing(identifier, async (table) => {
          const first = await endHolder(table, session.writer, holder);
          await session.state((state) => eraseAccounts(table, state, new Date().toISOString(), holder.id));
          return first;
        });
        const did = now ? `the account of ${identifier} has ended${ends}` : `${identifier}: it had ended before`;
        return changed(session, { delegate: identifier, mailboxes: delegated, changed: now }, did, wait);
      }),
    );

  openMailboxCommand(own, run);
}

async function show({ out, config }: Session, seen: AccountView): Promise<undefined> {
  const { holder, identity, account, waiting } = seen;
  const time = (instant: string | null) => shownTime(instant, config.policy.timezone);
  const { contact, refusesSurveys, refusesNewsletters } = account;
  const document = {
    ...identity,
    login: holder.login,
    state: holder.state,
    since: holder.stateSince,
    contact,
    contactSince: account.contactSince,
    language: account.language,
    waiting,
    terms: holder.termsVersion === null ? null : { version: holder.termsVersion, at: holder.termsAt },
    refuses: { surveys: refusesSurveys, newsletters: refusesNewsletters },
    ownMailbox: holder.ownMailbox,
    delegated: holder.delegated,
  };
  const refuses = (yes: boolean) => (yes ? 'refused' : 'not refused');
  out.result(
    document,
    facts([
      ['identifier', identity.identifier],
      ['first name', identity.firstName],
      ['last name', identity.lastName],
      ['profession', identity.profession],
      ...(identity.role === null ? [] : [['role', identity.role] as const]),
      ['login', holder.login],
      ['state', `${holder.state}, since ${time(holder.stateSince)}`],
      ['contact', contact === null ? null : `${contact}, since ${time(account.contactSince)}`],
      ...(waiting === null
        ? []
        : [
            [
              'waits for its code',
              `${waiting.contact}, until ${time(waiting.until)}, ${counted(waiting.tries, 'try', 'tries')} left`,
            ] as const,
          ]),
      ['language', account.language],
      [
        'terms of use',
        holder.termsVersion === null ? null : `${holder.termsVersion}, accepted ${time(holder.termsAt)}`,
      ],
      ['surveys', refuses(refusesSurveys)],
      ['newsletters', refuses(refusesNewsletters)],
      ['own mailbox', holder.ownMailbox],
      ['delegated', holder.delegated.join(', ')],
    ]),
  );
  return undefined;
}
