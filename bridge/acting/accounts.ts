/** A delegate's account: what they see of it and may change themselves. R38 to R45, R50 to R53, R56. */
import { readCode } from '../account/code.ts';
import { askForCode, type Confirmed, cancelCode, confirmCode, type Office } from '../account/confirmation.ts';
import { certainIdentity, type Identity, identityOf } from '../account/identity.ts';
import { Failure } from '../shared/failure.ts';
import {
  type Account,
  type OptOut,
  accountOf as privateAccountOf,
  setOptOut,
} from '../store/state/private-accounts.ts';
import type { Language } from '../store/state/state-db.ts';
import { noteAccount } from '../store/table/account-events.ts';
import { type AccountHolder, acceptTerms as saveTerms } from '../store/table/account-holders.ts';
import { sealKeyOf } from '../store/trail/sealing.ts';
import { holderOf, noAccounts, presentTerms, refuseEnded, unactivated } from './account-holder.ts';
import { contactAddress } from './contact-address.ts';
import type { Acting } from './site.ts';
import { shown } from './typed.ts';

export interface AccountView {
  readonly holder: AccountHolder;
  /** As the directory has them where it lists them. R52 */
  readonly identity: Identity;
  /** What is private. The code's MAC isn't in it. */
  readonly account: Omit<Account, 'request'>;
  /** An address that waits for its code; null where none does. */
  readonly waiting: { readonly contact: string; readonly until: string; readonly tries: number } | null;
  /** What there is to accept and to read; null where accounts need no activation here. */
  readonly terms: { readonly version: string; readonly url: string | null; readonly privacyUrl: string | null } | null;
}

/** Fails `refused` for somebody else's account, `absent` when there is none. */
export async function accountOf(acting: Acting, typed: string): Promise<AccountView> {
  const holder = await holderOf(acting, typed);
  const { request, ...account } = await acting.state((state) => privateAccountOf(state, holder.id));
  const { accounts, identity } = acting.config;
  return {
    holder,
    identity: identityOf(acting.files.privateDirectory, identity.scheme, holder),
    account,
    waiting:
      request === undefined ? null : { contact: request.contact, until: request.expiresAt, tries: request.triesLeft },
    terms:
      accounts === undefined
        ? null
        : { version: accounts.termsVersion, url: accounts.termsUrl ?? null, privacyUrl: accounts.privacyUrl ?? null },
  };
}

export interface AskedActivation {
  readonly contact: string;
  /** The version of the terms that has been read and accepted. R43 */
  readonly terms: string;
  readonly language?: Language | undefined;
}

/**
 * What has to be so before an account is activated, and who they are, to be confirmed first. R40. `contact` comes back folded. Fails `refused`
 * where it is active already, nothing was delegated, the terms aren't the present ones, the address is none for notices, or who they are isn't certain.
 */
export async function lookBeforeActivation(acting: Acting, typed: string, asked: AskedActivation) {
  const holder = await holderOf(acting, typed);
  refuseUnlessPending(holder);
  presentTerms(acting, asked.terms);
  const contact = contactAddress(acting, asked.contact);
  if (holder.delegated.length === 0 && holder.ownMailbox === null) {
    throw new Failure(
      'refused',
      `no mailbox has been delegated to ${holder.identifier}: there is nothing to activate an account for`,
      'its owner delegates first',
      { rule: 'MANDAT_NOT_DELEGATED', about: holder.identifier },
    );
  }
  const identity = certainIdentity(acting.files.privateDirectory, acting.config.identity.scheme, holder);
  return { holder, identity, asked: { ...asked, contact } };
}

export type LookedAt = Awaited<ReturnType<typeof lookBeforeActivation>>;

/** A code is mailed to the address; nothing but the request changes until it is typed. */
export async function askForActivation(acting: Acting, { holder, asked }: LookedAt): Promise<CodeAsked> {
  const { contact, terms, language } = asked;
  const until = await inOffice(acting, holder.identifier, (office) =>
    askForCode(office, holder, { contact, terms, language }),
  );
  return { delegate: holder.identifier, contact, until };
}

export interface CodeAsked {
  readonly delegate: string;
  readonly contact: string;
  /** Until when the code that was mailed is worth something. */
  readonly until: string;
}

/** Both at once, for whoever has been shown who they are. */
export async function activateAccount(acting: Acting, typed: string, asked: AskedActivation): Promise<CodeAsked> {
  return askForActivation(acting, await lookBeforeActivation(acting, typed, asked));
}

/** Another contact address. R51. Null where it is theirs already and nothing was asked for. */
export async function askForContact(
  acting: Acting,
  typed: string,
  asked: { readonly contact: string; readonly language?: Language | undefined },
): Promise<CodeAsked | null> {
  const holder = await holderOf(acting, typed);
  refuseEnded(holder);
  if (holder.state === 'pending') throw unactivated(holder);
  const { language } = asked;
  const contact = contactAddress(acting, asked.contact);
  return inOffice(acting, holder.identifier, async (office) => {
    const account = await privateAccountOf(office.state, holder.id);
    if (account.contact === contact && language === undefined) return null;
    const until = await askForCode(office, holder, { contact, terms: null, language });
    return { delegate: holder.identifier, contact, until };
  });
}

/** The code that was mailed. R41, R45. Fails `config` for what is no code, `refused` for one that is wrong or too late. */
export async function confirmAccount(
  acting: Acting,
  typed: string,
  digits: string,
): Promise<Confirmed & { readonly delegate: string }> {
  const holder = await holderOf(acting, typed);
  refuseEnded(holder);
  const code = readCode(digits);
  if (code === undefined)
    throw new Failure('config', `"${shown(digits)}" is no code: it has eight digits`, '', {
      rule: 'NO_CODE',
      about: shown(digits),
    });
  const done = await inOffice(acting, holder.identifier, (office) => confirmCode(office, holder, code));
  return { ...done, delegate: holder.identifier };
}

/** R44: everything stays as it was. */
export async function cancelAccountRequest(acting: Acting, typed: string) {
  const holder = await holderOf(acting, typed);
  const cancelled = await inOffice(acting, holder.identifier, (office) => cancelCode(office, holder));
  return { delegate: holder.identifier, cancelled, state: holder.state };
}

/** A new version of the terms of use. R43. `changed` false: they had accepted it. */
export async function acceptTerms(acting: Acting, typed: string, version: string) {
  const holder = await holderOf(acting, typed);
  const { identifier, state, termsVersion } = holder;
  refuseEnded(holder);
  if (state === 'pending') throw unactivated(holder);
  presentTerms(acting, version);
  const changed = termsVersion !== version;
  const now = new Date().toISOString();
  if (changed) await acting.writing(identifier, (db) => saveTerms(db, acting.writer, holder, version, now));
  return { delegate: identifier, terms: version, changed };
}

/** R56: mails that aren't about their delegations. Those that are always come. */
export async function refuseMails(acting: Acting, typed: string, what: OptOut, refuses: boolean) {
  const holder = await holderOf(acting, typed);
  const { identifier } = holder;
  refuseEnded(holder);
  await acting.state((state) => setOptOut(state, holder, what, refuses));
  await acting.writing(identifier, (db) =>
    db.write(acting.writer, (query) => noteAccount(query, identifier, 'account-opt-out', { what, refuses })),
  );
  return { delegate: identifier, what, refuses };
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
    { rule: state === 'active' ? 'MANDAT_ACTIVE' : 'MANDAT_SUSPENDED', about: identifier },
  );
}

/** Both databases, the key, and the sections of the configuration that it needs. */
function inOffice<T>(acting: Acting, about: string, work: (office: Office) => Promise<T>): Promise<T> {
  const { config, files, writer } = acting;
  const { accounts, notices } = config;
  if (accounts === undefined || notices === undefined) throw noAccounts();
  return acting.writing(about, (table) =>
    acting.state(async (state) =>
      work({ table, state, key: await sealKeyOf(files.sealKey, state), writer, accounts, notices }),
    ),
  );
}
