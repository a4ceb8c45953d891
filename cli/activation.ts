/** Activating an account and changing its contact address: each is asked for, and confirmed by the code that is mailed. R38 to R45, R51. */

import { type Command, Option } from 'commander';
import {
  accountOf,
  askForActivation,
  askForContact,
  type CodeAsked,
  cancelAccountRequest,
  confirmAccount,
  type LookedAt,
  lookBeforeActivation,
} from '../bridge/acting/accounts.ts';
import type { Language } from '../bridge/store/state/state-db.ts';
import { confirmed } from './confirm.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { complained, facts } from './output.ts';
import { changed, SAVE_ONLY } from './report-change.ts';
import type { Runner } from './runner.ts';
import { SELF_SERVICE } from './self-service.ts';
import type { Session } from './session.ts';
import { shownTime } from './times.ts';

interface Options {
  readonly email: string;
  readonly acceptTerms: string;
  readonly language?: Language;
  readonly confirmIdentity?: boolean;
}

export function activationCommands(own: (name: string) => Command, run: Runner): void {
  addressed(own('activate'))
    .description(
      "ask for a delegate's account to be activated, once a mailbox has been delegated to them; a code is mailed to them",
    )
    .requiredOption('--accept-terms <version>', 'the version of the terms of use that has been read and accepted')
    .option('--confirm-identity', 'the identity that the directory shows has been verified')
    .action(
      run(async (session, typed: string, { email, acceptTerms: terms, language, confirmIdentity }: Options) => {
        const looked = await lookBeforeActivation(session, typed, { contact: email, terms, language });
        const { identifier } = looked.holder;
        showIdentity(session, looked);
        const question = `Is this the identity of ${identifier}?`;
        if (!(await confirmed(session, question, confirmIdentity, UNCONFIRMED))) return EXIT.failed;
        return asked(session, await askForActivation(session, looked));
      }, SELF_SERVICE),
    );

  addressed(own('set-contact'))
    .description('ask for another contact address; a code is mailed to it, and the old one hears of it')
    .action(
      run(async (session, typed: string, { email, language }: Options) => {
        const request = await askForContact(session, typed, { contact: email, language });
        if (request !== null) return asked(session, request);
        const { holder, account } = await accountOf(session, typed);
        const { identifier } = holder;
        const did = { delegate: identifier, contact: account.contact, changed: false };
        return void session.out.result(did, `${identifier}: as it was`);
      }, SELF_SERVICE),
    );

  own('confirm')
    .description('confirm the contact address by the code that was mailed to it')
    .argument('<code>', 'its eight digits')
    .option('--no-wait', SAVE_ONLY)
    .action(
      run(async (session, typed: string, digits: string, { wait }: { wait: boolean }) => {
        const { contact, activated, delegate: identifier } = await confirmAccount(session, typed, digits);
        const document = { delegate: identifier, contact, activated };
        const told = `notices go to ${contact}`;
        const did = activated ? `${identifier}: active; ${told}` : `${identifier}: ${told}`;
        return changed(session, document, did, wait);
      }, SELF_SERVICE),
    );

  own('cancel')
    .description('forget the address that waits to be confirmed; everything stays as it was')
    .action(
      run(async (session, typed: string) => {
        const did = await cancelAccountRequest(session, typed);
        const sentence = did.cancelled
          ? `cancelled, the account is ${did.state} as before`
          : 'nothing waited to be confirmed';
        session.out.result(did, `${did.delegate}: ${sentence}`);
        return undefined;
      }, SELF_SERVICE),
    );
}

const UNCONFIRMED = {
  message: 'the identity above has to be confirmed, and there is no terminal to ask at; nothing was changed',
  hint: 'give --confirm-identity once it has been verified',
};

function addressed(command: Command): Command {
  return command
    .requiredOption('--email <address>', 'where notices of their delegations go, and nothing else; outside MSSanté')
    .addOption(new Option('--language <language>', 'the language of what is mailed to them').choices(['fr', 'en']));
}

/** R40: to be verified before anything is written; on standard error, since it is no result. */
function showIdentity({ config }: Session, { holder, identity }: LookedAt): void {
  const { identifier, firstName, lastName, profession, role } = identity;
  const shown = facts([
    ['identifier', identifier],
    ['first name', firstName],
    ['last name', lastName],
    ['profession', role === null ? profession : `${profession}: ${role}`],
    ['delegated', holder.delegated.join(', ')],
    ['terms of use', config.accounts?.termsUrl ?? null],
    ['privacy notice', config.accounts?.privacyUrl ?? null],
  ]);
  complained(`${shown}\n`); // each value in one line already
}

function asked(session: Session, { delegate, contact, until }: CodeAsked): Promise<ExitStatus> {
  const time = shownTime(until, session.config.policy.timezone);
  return changed(
    session,
    { delegate, contact, until },
    `${delegate}: a code is on its way to ${contact}, to be typed until ${time}: "mandat account confirm ${delegate} CODE"`,
  );
}
