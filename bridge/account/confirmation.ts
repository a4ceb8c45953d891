/**
 * Confirming a contact address by a code that is mailed to it, which is also how an account is activated. Nothing but the request changes
 * until the code is typed. R38, R40, R41, R43, R44, R45, R51.
 */
import type { Config } from '../../config/schema.ts';
import { Failure } from '../shared/failure.ts';
import { openClock } from '../store/state/facts.ts';
import type { NewNotice, NoticeKind } from '../store/state/outbox.ts';
import { accountOf, askContact, cancelRequest, settleRequest, tryCode } from '../store/state/private-accounts.ts';
import type { Language, StateDb } from '../store/state/state-db.ts';
import { type AccountEvent, noteAccount } from '../store/table/account-events.ts';
import { type AccountHolder, activateHolder } from '../store/table/account-holders.ts';
import type { DelegationDb, Writer } from '../store/table/delegation-db.ts';
import { codeMac, newCode, sameMac } from './code.ts';

/** What a confirmation needs: both databases, the key, who acts, and the two sections of the configuration. */
export interface Office {
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly key: Buffer;
  readonly writer: Writer;
  readonly accounts: NonNullable<Config['accounts']>;
  readonly notices: NonNullable<Config['notices']>;
}

export interface Asked {
  readonly contact: string;
  /** The terms that are accepted with it: an activation. */
  readonly terms: string | null;
  /** Undefined: as they chose before, else the site's. */
  readonly language: Language | undefined;
}

/** Mails a code to the address. Returns until when it is worth something. Fails `refused` when too many were mailed of late. */
export async function askForCode(office: Office, holder: AccountHolder, asked: Asked): Promise<string> {
  const { state, accounts } = office;
  const now = (await openClock(state)).now();
  const expiresAt = new Date(Date.parse(now) + accounts.codeMinutes * 60_000).toISOString();
  const code = newCode();
  const { contact } = asked;
  const language = asked.language ?? (await accountOf(state, holder.id)).language ?? office.notices.language;
  const notice = noticeTo(holder, 'code', `code ${holder.id} ${now}`, contact, language, {
    code,
    minutes: String(accounts.codeMinutes),
  });
  const request = {
    contact,
    terms: asked.terms,
    language: asked.language ?? null,
    mac: codeMac(office.key, { delegateId: holder.id, contact, expiresAt }, code),
    expiresAt,
    triesLeft: accounts.codeTries,
  };
  const from = await askContact(state, holder, request, notice, now, domainOf(office));
  if (from !== undefined) {
    await note(office, holder, 'account-code-refused', { why: 'too-many' });
    const { identifier } = holder;
    throw new Failure(
      'refused',
      `${identifier}: too many codes have been asked for within an hour; nothing was changed`,
      `another can be mailed from ${from} on; the last one that was mailed still counts until it lapses`,
      { rule: 'MANDAT_CODES', about: identifier },
    );
  }
  await note(office, holder, 'account-code');
  return expiresAt;
}

export interface Confirmed {
  readonly contact: string;
  readonly activated: boolean;
}

/**
 * In this order, so that what a crash leaves undone is done by typing the code again: the address, the terms and the state, the end of
 * the request. Fails `refused` for a code that is wrong, too late, or that nobody waits for.
 */
export async function confirmCode(office: Office, holder: AccountHolder, code: string): Promise<Confirmed> {
  const { table, state, key, writer } = office;
  const { identifier } = holder;
  if (holder.state === 'suspended' && (await accountOf(state, holder.id)).request?.terms != null) {
    throw refused(holder, 'MANDAT_SUSPENDED', `${identifier} is suspended, and can't activate their account meanwhile`);
  }
  const now = (await openClock(state)).now();
  const tried = await tryCode(
    state,
    holder,
    ({ contact, expiresAt, mac }) => sameMac(mac, codeMac(key, { delegateId: holder.id, contact, expiresAt }, code)),
    (before, { mac }) =>
      noticeTo(
        holder,
        'contact-changed',
        `contact ${holder.id} ${mac.slice(0, 16)}`,
        before.contact,
        before.language ?? office.notices.language,
      ),
    now,
    domainOf(office),
  );
  switch (tried.kind) {
    case 'no-request':
      throw refused(holder, 'MANDAT_NO_REQUEST', `${identifier}: no address waits to be confirmed`, again(holder));
    case 'expired':
      await note(office, holder, 'account-code-refused', { why: 'expired' });
      throw refused(
        holder,
        'MANDAT_CODE_EXPIRED',
        `${identifier}: this code came too late and is worth nothing`,
        again(holder),
      );
    case 'wrong': {
      await note(office, holder, 'account-code-refused', { why: 'wrong', left: tried.left });
      if (tried.left === 0) {
        throw refused(
          holder,
          'MANDAT_CODE',
          `${identifier}: wrong code, once too often: the request is gone`,
          again(holder),
          'gone',
        );
      }
      const left = tried.left === 1 ? '1 try is left' : `${tried.left} tries are left`;
      throw refused(
        holder,
        'MANDAT_CODE',
        `${identifier}: this is not the code that was mailed; ${left}`,
        '',
        tried.left === 1 ? 'last' : undefined,
      );
    }
    case 'right': {
      const { request } = tried;
      if (request.terms !== null) await activateHolder(table, writer, holder, request.terms, now);
      else await note(office, holder, 'account-contact');
      await settleRequest(state, holder, request);
      return { contact: request.contact, activated: request.terms !== null };
    }
  }
}

/** Returns whether there was anything to cancel. */
export async function cancelCode(office: Pick<Office, 'table' | 'state' | 'writer'>, holder: AccountHolder) {
  if (!(await cancelRequest(office.state, holder))) return false;
  await note(office, holder, 'account-cancel');
  return true;
}

function note(
  { table, writer }: Pick<Office, 'table' | 'writer'>,
  { identifier }: AccountHolder,
  action: AccountEvent,
  detail?: Readonly<Record<string, unknown>>,
): Promise<void> {
  return table.write(writer, (query) => noteAccount(query, identifier, action, detail));
}

function noticeTo(
  { identifier, firstName, lastName }: AccountHolder,
  kind: NoticeKind,
  event: string,
  recipient: string,
  language: Language,
  data: Readonly<Record<string, string>> = {},
): NewNotice {
  const named = { firstName, lastName, identifier, ...data };
  return { event, kind, part: 'account', subject: identifier, mailbox: null, recipient, language, data: named };
}

/** Message ids are of the domain that notices come from. */
function domainOf({ notices }: Office): string {
  return notices.from.slice(notices.from.lastIndexOf('@') + 1);
}

function again({ identifier, state }: AccountHolder): string {
  const command = state === 'pending' ? 'activate' : 'set-contact';
  return `"mandat account ${command} ${identifier} --email ADDRESS" mails a new one`;
}

function refused({ identifier }: AccountHolder, rule: string, message: string, hint = '', fault?: string): Failure {
  return new Failure('refused', message, hint, { rule, fault, about: identifier });
}
