/**
 * Delegates' accounts as far as they are private, by the delegate's id in delegation.db: where notices go, what they refuse, and an address
 * that waits for its code. R41, R42, R51, R56.
 */
import type { Transaction } from 'kysely';
import type { Instant } from '../../../acl/delegation-facts.ts';
import { enqueue, type NewNotice } from './outbox.ts';
import type { Language, StateDatabase, StateDb } from './state-db.ts';

/** An address that waits to be confirmed. */
export interface ContactRequest {
  readonly contact: string;
  /** The terms that are accepted with it, where it activates the account. */
  readonly terms: string | null;
  readonly language: Language | null;
  readonly mac: string;
  readonly expiresAt: Instant;
  /** How often the code may still be typed wrongly. */
  readonly triesLeft: number;
}

export interface Account {
  readonly contact: string | null;
  readonly contactSince: Instant | null;
  readonly language: Language | null;
  readonly refusesSurveys: boolean;
  readonly refusesNewsletters: boolean;
  readonly request: ContactRequest | undefined;
}

type Query = Transaction<StateDatabase>;
type Row = Awaited<ReturnType<typeof rowOf>>;

const rowOf = ({ query }: Pick<StateDb, 'query'>, delegateId: number) =>
  query.selectFrom('accounts').selectAll().where('delegate_id', '=', delegateId).executeTakeFirst();

export async function accountOf(state: StateDb, delegateId: number): Promise<Account> {
  const row = await rowOf(state, delegateId);
  return {
    contact: row?.contact ?? null,
    contactSince: row?.contact_since ?? null,
    language: row?.language ?? null,
    refusesSurveys: row?.refuses_surveys === 1,
    refusesNewsletters: row?.refuses_newsletters === 1,
    request: requestOf(row),
  };
}

function requestOf(row: Row): ContactRequest | undefined {
  if (row?.asked_contact == null || row.code_mac === null || row.code_expires_at === null) return undefined;
  return {
    contact: row.asked_contact,
    terms: row.asked_terms,
    language: row.asked_language,
    mac: row.code_mac,
    expiresAt: row.code_expires_at,
    triesLeft: row.code_tries,
  };
}

/** Whose row it is, in both databases. */
export interface Holder {
  readonly id: number;
  readonly identifier: string;
}

/** A code goes to an address that somebody has typed, who may not be its owner. */
const MOST_CODES = 5;
const CODES_MS = 3_600_000;

/**
 * A new request takes the place of the one before, whose code is then worth nothing; its mail goes with it. Undefined when it is made;
 * else nothing was written, since so many have been made of late, and from when on another may be.
 */
export async function askContact(
  state: StateDb,
  { id, identifier }: Holder,
  request: ContactRequest,
  notice: NewNotice,
  now: Instant,
  domain: string,
): Promise<Instant | undefined> {
  const asked = {
    asked_contact: request.contact,
    asked_terms: request.terms,
    asked_language: request.language,
    code_mac: request.mac,
    code_expires_at: request.expiresAt,
    code_tries: request.triesLeft,
  };
  return state.write(async (query) => {
    const before = await rowOf({ query }, id);
    const over = before?.codes_since == null ? now : new Date(Date.parse(before.codes_since) + CODES_MS).toISOString();
    const again = over > now;
    if (again && (before?.codes_asked ?? 0) >= MOST_CODES) return over;
    const codes = again ? { codes_asked: (before?.codes_asked ?? 0) + 1 } : { codes_asked: 1, codes_since: now };
    await upsert(query, id, { ...asked, ...codes });
    await withdrawCodes(query, identifier);
    await enqueue({ query }, [notice], now, domain);
    return undefined;
  });
}

export type Tried =
  | { readonly kind: 'no-request' }
  | { readonly kind: 'expired' }
  /** `left` 0: the request is gone. */
  | { readonly kind: 'wrong'; readonly left: number }
  | { readonly kind: 'right'; readonly request: ContactRequest; readonly before: string | null };

/**
 * Tries a code. The right one makes the address theirs, and the request stays until {@link settleRequest}: a crash in between is mended by
 * typing it again. `told` is the notice to the address before.
 */
export async function tryCode(
  state: StateDb,
  { id, identifier }: Holder,
  isRight: (request: ContactRequest) => boolean,
  told: (
    before: { readonly contact: string; readonly language: Language | null },
    request: ContactRequest,
  ) => NewNotice,
  now: Instant,
  domain: string,
): Promise<Tried> {
  return state.write(async (query) => {
    // The try is taken before anything is compared: two at the same moment are two.
    const row = await query
      .updateTable('accounts')
      .set(({ eb }) => ({ code_tries: eb('code_tries', '-', 1) }))
      .where('delegate_id', '=', id)
      .where('code_mac', 'is not', null)
      .where('code_tries', '>', 0)
      .returningAll()
      .executeTakeFirst();
    const request = requestOf(row);
    if (row === undefined || request === undefined) return { kind: 'no-request' };
    if (request.expiresAt <= now) {
      await clearRequest(query, { id, identifier });
      return { kind: 'expired' };
    }
    if (!isRight(request)) {
      if (request.triesLeft === 0) await clearRequest(query, { id, identifier });
      return { kind: 'wrong', left: request.triesLeft };
    }
    const { contact, language } = row;
    const changes = contact !== request.contact;
    await upsert(query, id, {
      code_tries: request.triesLeft + 1,
      contact: request.contact,
      ...(changes ? { contact_since: now } : {}),
      ...(request.language === null ? {} : { language: request.language }),
    });
    if (contact !== null && changes) await enqueue({ query }, [told({ contact, language }, request)], now, domain);
    return { kind: 'right', request, before: contact };
  });
}

/** What was asked for is done; a newer request stays. */
export async function settleRequest(state: StateDb, holder: Holder, { mac }: ContactRequest): Promise<void> {
  await state.write((query) => clearRequest(query, holder, mac));
}

/** Forgets what was asked for. Returns whether there was anything. R44 */
export async function cancelRequest(state: StateDb, holder: Holder): Promise<boolean> {
  return state.write((query) => clearRequest(query, holder));
}

export type OptOut = 'surveys' | 'newsletters';

export async function setOptOut(state: StateDb, { id }: Holder, what: OptOut, refuses: boolean): Promise<void> {
  const column = what === 'surveys' ? 'refuses_surveys' : 'refuses_newsletters';
  await state.write((query) => upsert(query, id, { [column]: Number(refuses) }));
}

async function upsert(query: Query, delegate_id: number, values: Readonly<Record<string, string | number | null>>) {
  await query
    .insertInto('accounts')
    .values({ delegate_id, ...values })
    .onConflict((conflict) => conflict.column('delegate_id').doUpdateSet(values))
    .execute();
}

/** `mac`: only the request with this one. */
export async function clearRequest(query: Query, { id, identifier }: Holder, mac?: string): Promise<boolean> {
  const nothing = {
    asked_contact: null,
    asked_terms: null,
    asked_language: null,
    code_mac: null,
    code_expires_at: null,
    code_tries: 0,
  };
  const cleared = await query
    .updateTable('accounts')
    .set(nothing)
    .where('delegate_id', '=', id)
    .where('asked_contact', 'is not', null)
    .$if(mac !== undefined, (one) => one.where('code_mac', '=', mac ?? ''))
    .executeTakeFirst();
  if (cleared.numUpdatedRows === 0n) return false;
  await withdrawCodes(query, identifier);
  return true;
}

/** A code that is worth nothing any more is not mailed if it still waits. */
async function withdrawCodes(query: Query, subject: string): Promise<void> {
  await query
    .deleteFrom('outbox')
    .where('state', 'in', ['waiting', 'failed'])
    .where('kind', '=', 'code')
    .where('subject', '=', subject)
    .execute();
}
