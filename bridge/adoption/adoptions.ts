/**
 * Hand-made entries that an administrator has declared mandat's own (`mandat adopt`), until the grant that takes them over begins: it then
 * notes in the ledger that nothing stood before, so that a revoke takes them off. Kept in state.db, and written before the row: a pass can't
 * come in between.
 */
import { jsonFact, setJsonFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';

type Facts = Pick<StateDb, 'query'>;

/** By mailbox id and login. */
type Noted = Readonly<Record<string, { readonly at: string; readonly by: string }>>;

const keyOf = (mailboxId: number, login: string) => `${mailboxId} ${login}`;

async function noted(state: Facts): Promise<Noted> {
  return (await jsonFact<Noted>(state, 'adoptions')) ?? {};
}

export async function noteAdoption(
  state: StateDb,
  mailboxId: number,
  login: string,
  how: Noted[string],
): Promise<void> {
  await state.write(async (query) => {
    const all = { ...(await noted({ query })), [keyOf(mailboxId, login)]: how };
    await setJsonFact({ query }, 'adoptions', all);
  });
}

/** Of these logins, those whose entries in this mailbox have been declared ours. */
export async function adoptedOf(
  state: Facts,
  mailboxId: number,
  logins: readonly string[],
): Promise<ReadonlySet<string>> {
  const all = await noted(state);
  return new Set(logins.filter((login) => all[keyOf(mailboxId, login)] !== undefined));
}

/** The grant has begun, or was refused. */
export async function forgetAdoptions(state: StateDb, mailboxId: number, logins: readonly string[]): Promise<void> {
  if (logins.length === 0) return;
  await state.write(async (query) => {
    const gone = new Set(logins.map((login) => keyOf(mailboxId, login)));
    const left = Object.entries(await noted({ query })).filter(([key]) => !gone.has(key));
    await setJsonFact({ query }, 'adoptions', Object.fromEntries(left));
  });
}
