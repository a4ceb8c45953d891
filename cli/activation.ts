/** Activating an account and changing its contact address: each is asked for, and confirmed by the code that is mailed. R38 to R45, R51. */
import { type Command, Option } from 'commander';
import { readCode } from '../bridge/account/code.ts';
import { askForCode, cancelCode, confirmCode, type Office } from '../bridge/account/confirmation.ts';
import { certainIdentity } from '../bridge/account/identity.ts';
import { holderOf, noAccounts, presentTerms, refuseEnded, unactivated } from '../bridge/acting/account-holder.ts';
import { contactAddress } from '../bridge/acting/contact-address.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { accountOf } from '../bridge/store/state/private-accounts.ts';
import type { Language } from '../bridge/store/state/state-db.ts';
import type { AccountHolder } from '../bridge/store/table/account-holders.ts';
import { sealKeyOf } from '../bridge/store/trail/sealing.ts';
import { shown } from './arguments.ts';
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
        const holder = await holderOf(session, typed);
        const { identifier } = holder;
        refuseUnlessPending(holder);
        presentTerms(session, terms);
        const contact = contactAddress(session, email);
        if (holder.delegated.length === 0 && holder.ownMailbox === null) {
          throw new Failure(
            'refused',
            `no mailbox has been delegated to ${identifier}: there is nothing to activate an account for`,
            'its owner delegates first',
            { rule: 'MANDAT_NOT_DELEGATED' },
          );
        }
        showIdentity(session, holder);
        const question = `Is this the identity of ${identifier}?`;
        if (!(await confirmed(session, question, confirmIdentity, UNCONFIRMED))) return EXIT.failed;
        const until = await inOffice(session, identifier, (office) =>
          askForCode(office, holder, { contact, terms, language }),
        );
        return asked(session, holder, contact, until);
      }, SELF_SERVICE),
    );

  addressed(own('set-contact'))
    .description('ask for another contact address; a code is mailed to it, and the old one hears of it')
    .action(
      run(async (session, typed: string, { email, language }: Options) => {
        const holder = await holderOf(session, typed);
        const { identifier } = holder;
        refuseEnded(holder);
        if (holder.state === 'pending') throw unactivated(holder);
        const contact = contactAddress(session, email);
        return inOffice(session, identifier, async (office) => {
          const account = await accountOf(office.state, holder.id);
          if (account.contact === contact && language === undefined) {
            return void session.out.result(
              { delegate: identifier, contact, changed: false },
              `${identifier}: as it was`,
            );
          }
          const until = await askForCode(office, holder, { contact, terms: null, language });
          return asked(session, holder, contact, until);
        });
      }, SELF_SERVICE),
    );

  own('confirm')
    .description('confirm the contact address by the code that was mailed to it')
    .argument('<code>', 'its eight digits')
    .option('--no-wait', SAVE_ONLY)
    .action(
      run(async (session, typed: string, digits: string, { wait }: { wait: boolean }) => {
        const holder = await holderOf(session, typed);
        const { identifier } = holder;
        refuseEnded(holder);
        const code = readCode(digits);
        if (code === undefined) throw new Failure('config', `"${shown(digits)}" is no code: it has eight digits`);
        const { contact, activated } = await inOffice(session, identifier, (office) =>
          confirmCode(office, holder, code),
        );
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
        const holder = await holderOf(session, typed);
        const { identifier, state } = holder;
        const did = await inOffice(session, identifier, (office) => cancelCode(office, holder));
        const sentence = did ? `cancelled, the account is ${state} as before` : 'nothing waited to be confirmed';
        session.out.result({ delegate: identifier, cancelled: did, state }, `${identifier}: ${sentence}`);
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

function refuseUnlessPending(holder: AccountHolder): void {
  refuseEnded(holder);
  const { identifier, state } = holder;
  if (state === 'pending') return;
  throw new Failure(
    'refused',
    state === 'active'
      ? `${identifier} is active already`
      : `${identifier} is suspended, and can't be activated meanwhile`,
    state === 'active' ? `"mandat account set-contact ${identifier} --email ADDRESS" changes their address` : '',
    { rule: state === 'active' ? 'MANDAT_ACTIVE' : 'MANDAT_SUSPENDED' },
  );
}

/** R40: to be verified before anything is written; on standard error, since it is no result. */
function showIdentity({ config, files }: Session, holder: AccountHolder): void {
  const identity = certainIdentity(files.privateDirectory, config.identity.scheme, holder);
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

function asked(session: Session, { identifier }: AccountHolder, contact: string, until: string): Promise<ExitStatus> {
  const time = shownTime(until, session.config.policy.timezone);
  return changed(
    session,
    { delegate: identifier, contact, until },
    `${identifier}: a code is on its way to ${contact}, to be typed until ${time}: "mandat account confirm ${identifier} CODE"`,
  );
}

/** Both databases, the key, and the sections of the configuration that it needs. */
function inOffice<T>(session: Session, about: string, work: (office: Office) => Promise<T>): Promise<T> {
  const { config, files, writer } = session;
  const { accounts, notices } = config;
  if (accounts === undefined || notices === undefined) throw noAccounts();
  return session.writing(about, (table) =>
    session.state(async (state) =>
      work({ table, state, key: await sealKeyOf(files.sealKey, state), writer, accounts, notices }),
    ),
  );
}
