/**
 * Whom the trace knows, from a table in PostgreSQL, which answers later. A batch of events is judged with what is known; whom it asks for in vain is
 * asked of PostgreSQL, all at once, and the batch comes again. Before each batch the table's version is asked: what has changed is forgotten.
 */
import type { Transaction } from 'kysely';
import { NotYet } from '../events/event-sink.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import type { DelegationDatabase } from '../store/table/delegation-types.ts';
import { rememberedPeople, type Standing, type TablePeople, UNKNOWN } from './remembered-people.ts';
import type { TracedMailbox } from './traced-people.ts';

type Reading = Transaction<DelegationDatabase>;

const MOST_ANSWERS = 20_000;

/** `open` is called when it is first asked, and again where it could not be opened. `now` in ms. */
export function openPostgresPeople(open: () => Promise<DelegationDb>, now: () => number = Date.now): TablePeople {
  let table: Promise<DelegationDb> | undefined;
  let seen = -1;
  let looking: Promise<void> | undefined;
  /** Sources whose next batch comes after a look. */
  const fresh = new Set<string>();
  const mailboxes = asked((login: string) => login);
  const delegates = asked((login: string) => login);
  const pairs = asked(([mailbox, login]: Pair) => `${mailbox} ${login}`);
  const answers = {
    mailboxes: new Map<string, TracedMailbox | undefined>(),
    delegates: new Map<string, string | undefined>(),
    pairs: new Map<string, Standing | undefined>(),
  };
  const people = rememberedPeople(
    {
      mailbox: (login) => mailboxes.of(login, answers.mailboxes),
      delegate: (login) => delegates.of(login, answers.delegates),
      delegation: (mailbox, login) => pairs.of([mailbox, login], answers.pairs),
    },
    now,
  );
  const opened = () => {
    table ??= open().catch((error: unknown) => {
      table = undefined;
      throw error;
    });
    return table;
  };
  const ask = async () => {
    const wanted = { mailboxes: mailboxes.take(), delegates: delegates.take(), pairs: pairs.take() };
    for (const one of Object.values(answers)) if (one.size > MOST_ANSWERS) one.clear(); // they are remembered where they were used
    await (await opened()).read(async (reading) => {
      for (const one of await mailboxesWith(reading, wanted.mailboxes)) answers.mailboxes.set(one.login, one);
      for (const one of await identifiersOf(reading, wanted.delegates))
        answers.delegates.set(one.login, one.identifier);
      for (const one of await standing(reading, wanted.pairs)) answers.pairs.set(`${one.mailbox} ${one.login}`, one);
    });
    // Who isn't there is known not to be.
    for (const login of wanted.mailboxes) setNew(answers.mailboxes, login);
    for (const login of wanted.delegates) setNew(answers.delegates, login);
    for (const [mailbox, login] of wanted.pairs) setNew(answers.pairs, `${mailbox} ${login}`);
  };
  const lookNow = async () => {
    const version = (await (await opened()).query.selectFrom('counters').select('version').executeTakeFirstOrThrow())
      .version;
    if (version === seen) return;
    for (const one of Object.values(answers)) one.clear();
    people.forget();
    const used = people.used();
    for (const pair of used) people.lookAt(pair); // asks for them
    await ask();
    for (const pair of used) people.lookAt(pair);
    seen = version;
  };
  const look = () => {
    looking ??= lookNow().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  return {
    ...people,
    refresh: (source) => {
      if (fresh.delete(source)) return;
      // One that has begun already may have looked before this batch came.
      const begun = (looking ?? Promise.resolve()).catch(() => {});
      throw new NotYet(begun.then(look).then(() => void fresh.add(source)));
    },
    known: (source) => {
      if (mailboxes.size + delegates.size + pairs.size === 0) return;
      throw new NotYet(ask().then(() => void fresh.add(source)));
    },
    look,
    close: async () => {
      await (await table?.catch(() => undefined))?.close();
    },
  };
}

type Pair = readonly [mailbox: number, login: string];

const setNew = <T>(answers: Map<string, T | undefined>, key: string) => {
  if (!answers.has(key)) answers.set(key, undefined);
};

/** What has been asked for and isn't known. */
function asked<T>(keyOf: (one: T) => string) {
  const wanted = new Map<string, T>();
  return {
    get size() {
      return wanted.size;
    },
    of: <A>(one: T, answers: ReadonlyMap<string, A | undefined>): A | undefined | typeof UNKNOWN => {
      const key = keyOf(one);
      if (answers.has(key)) return answers.get(key);
      if (key.includes('\0')) return undefined; // PostgreSQL takes no such text, so nobody is called that
      wanted.set(key, one);
      return UNKNOWN;
    },
    take: (): readonly T[] => {
      const all = [...wanted.values()];
      wanted.clear();
      return all;
    },
  };
}

async function mailboxesWith(reading: Reading, logins: readonly string[]): Promise<readonly TracedMailbox[]> {
  if (logins.length === 0) return [];
  const rows = await reading
    .selectFrom('mailboxes')
    .select(['id', 'address', 'login', 'owner'])
    .where('login', 'in', logins)
    .execute();
  return rows.map((row) => ({ ...row, owner: row.owner ?? row.login }));
}

async function identifiersOf(reading: Reading, logins: readonly string[]) {
  if (logins.length === 0) return [];
  return reading.selectFrom('delegates').select(['login', 'identifier']).where('login', 'in', logins).execute();
}

async function standing(reading: Reading, pairs: readonly Pair[]) {
  if (pairs.length === 0) return [];
  const ids = [...new Set(pairs.map(([mailbox]) => mailbox))];
  const logins = [...new Set(pairs.map(([, login]) => login))];
  return reading
    .selectFrom('delegations as g')
    .innerJoin('delegates as d', 'd.id', 'g.delegate_id')
    .select(['g.id', 'g.created_at as createdAt', 'g.mailbox_id as mailbox', 'd.login'])
    .where('g.mailbox_id', 'in', ids)
    .where('d.login', 'in', logins)
    .execute();
}
