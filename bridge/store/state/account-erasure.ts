/** What is private goes with its account, and what waited too long goes by itself. R41. */
import type { Instant } from '../../../acl/delegation-facts.ts';
import { type GiveWay, giveBack, PORTION_ROWS } from '../../shared/portions.ts';
import type { DelegationDb } from '../table/delegation-db.ts';
import { clearRequest, type Holder } from './private-accounts.ts';
import type { StateDb } from './state-db.ts';

/**
 * Erases what is private of accounts that have ended and of delegates who are gone, their addresses in the outbox included. Called when
 * an account ends, and at each sweep, which so mends a crash in between and what other programs delete; requests whose time is over go too.
 * In portions. `only`: of this delegate. Returns how many accounts.
 */
export async function eraseAccounts(
  table: DelegationDb,
  state: StateDb,
  now: Instant,
  only?: number,
  giveWay: GiveWay = giveBack,
): Promise<number> {
  let erased = 0;
  for (let after = 0; ; ) {
    const accounts = await state.query
      .selectFrom('accounts')
      .select(['delegate_id', 'contact', 'asked_contact', 'code_expires_at'])
      .where('delegate_id', '>', after)
      .orderBy('delegate_id')
      .limit(PORTION_ROWS)
      .execute();
    const ids = accounts.map(({ delegate_id }) => delegate_id);
    if (ids.length === 0) return erased;
    const live = await table.query
      .selectFrom('delegates')
      .select(['id', 'identifier'])
      .where('id', 'in', ids)
      .where('state', '<>', 'ended')
      .execute();
    await forgetExpired(state, live, accounts, now);
    const kept = new Set(live.map(({ id }) => id));
    const gone = accounts.filter(({ delegate_id: id }) => !kept.has(id) && (only === undefined || id === only));
    if (gone.length > 0) await erase(state, gone);
    erased += gone.length;
    after = ids.at(-1) ?? after;
    if (ids.length < PORTION_ROWS || !(await giveWay())) return erased;
  }
}

interface Account {
  readonly delegate_id: number;
  readonly contact: string | null;
  readonly asked_contact: string | null;
}

/** An address that somebody else has, too, stays in their mails. */
async function erase(state: StateDb, gone: readonly Account[]): Promise<void> {
  const ids = gone.map(({ delegate_id }) => delegate_id);
  const addresses = addressesOf(gone);
  await state.write(async (query) => {
    const others = await query
      .selectFrom('accounts')
      .select(['delegate_id', 'contact', 'asked_contact'])
      .where((eb) => eb.or([eb('contact', 'in', addresses), eb('asked_contact', 'in', addresses)]))
      .where('delegate_id', 'not in', ids)
      .execute();
    const theirs = new Set(addressesOf(others));
    const own = addresses.filter((address) => !theirs.has(address));
    await query.deleteFrom('accounts').where('delegate_id', 'in', ids).execute();
    if (own.length === 0) return;
    const told = query.updateTable('outbox').where('recipient', 'in', own).where('part', '<>', 'owner');
    await told.set({ recipient: null }).where('state', '=', 'sent').execute();
    await told.set({ recipient: null, state: 'no-address' }).where('state', 'in', ['waiting', 'failed']).execute();
  });
}

function addressesOf(accounts: readonly Account[]): readonly string[] {
  return accounts.flatMap(({ contact, asked_contact }) => [contact ?? [], asked_contact ?? []].flat());
}

async function forgetExpired(
  state: StateDb,
  live: readonly Holder[],
  accounts: readonly { readonly delegate_id: number; readonly code_expires_at: string | null }[],
  now: Instant,
): Promise<void> {
  const over = accounts.filter(({ code_expires_at: at }) => at !== null && at <= now);
  for (const holder of live.filter(({ id }) => over.some(({ delegate_id }) => delegate_id === id))) {
    await state.write((query) => clearRequest(query, holder));
  }
}
