/** What is private goes with its account, and what waited too long goes by itself. R41. */
import type { Instant } from '../../acl/policy.ts';
import { clearRequest, type Holder } from './accounts.ts';
import type { DelegationDb } from './delegation-db.ts';
import type { StateDb } from './state-db.ts';

/**
 * Erases what is private of accounts that have ended and of delegates who are gone, their addresses in the outbox included. Called when
 * an account ends, and at each sweep, which so mends a crash in between and what other programs delete; requests whose time is over go too.
 * `only`: of this delegate. Returns how many accounts.
 */
export async function eraseAccounts(table: DelegationDb, state: StateDb, now: Instant, only?: number): Promise<number> {
  const accounts = await state.query
    .selectFrom('accounts')
    .select(['delegate_id', 'contact', 'asked_contact', 'code_expires_at'])
    .execute();
  if (accounts.length === 0) return 0;
  const live = await table.query
    .selectFrom('delegates')
    .select(['id', 'identifier'])
    .where('state', '<>', 'ended')
    .execute();
  await forgetExpired(state, live, accounts, now);
  const kept = new Set(live.map(({ id }) => id));
  const gone = accounts.filter(({ delegate_id: id }) => !kept.has(id) && (only === undefined || id === only));
  if (gone.length === 0) return 0;
  const addresses = (of: typeof accounts) =>
    of.flatMap(({ contact, asked_contact }) => [contact ?? [], asked_contact ?? []].flat());
  const others = new Set(addresses(accounts.filter((one) => !gone.includes(one))));
  const his = addresses(gone).filter((address) => !others.has(address));
  await state.write(async (query) => {
    for (const { delegate_id } of gone) {
      await query.deleteFrom('accounts').where('delegate_id', '=', delegate_id).execute();
    }
    if (his.length === 0) return;
    const told = query.updateTable('outbox').where('recipient', 'in', his).where('part', '<>', 'owner');
    await told.set({ recipient: null }).where('state', '=', 'sent').execute();
    await told.set({ recipient: null, state: 'no-address' }).where('state', 'in', ['waiting', 'failed']).execute();
  });
  return gone.length;
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
