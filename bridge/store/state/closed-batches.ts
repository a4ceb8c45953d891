/**
 * In which order a sweep comes to the mailboxes: those that share delegates together, as far as a batch goes, so that each delegate's session
 * serves as many of their mailboxes as it can. One that was looked at since the sweep began, by whatever pass, is left out.
 */
import type { Instant } from '../../../acl/delegation-facts.ts';
import { PORTION_ROWS, portions } from '../../shared/portions.ts';
import { keptQuery } from '../kept-queries.ts';
import type { StateDb } from './state-db.ts';

/** Mailboxes in a batch. */
const MOST = 500;

/** `ids`: all that the sweep is to come to, in portions. `since`: when it began. */
export async function* closedBatches(
  state: StateDb,
  ids: AsyncIterable<readonly number[]>,
  since: Instant,
  most: number = MOST,
): AsyncGenerator<readonly number[]> {
  let batch = new Set<number>();
  for await (const page of ids) {
    const handedOut = new Set<number>();
    for (const seed of await notSince(state, page, since)) {
      if (batch.has(seed) || handedOut.has(seed)) continue;
      for (const id of await closure(state, seed, batch, most)) batch.add(id);
      if (batch.size < most) continue;
      yield await notSince(state, [...batch], since);
      for (const id of batch) handedOut.add(id);
      batch = new Set();
    }
  }
  if (batch.size > 0) yield await notSince(state, [...batch], since);
}

/** Those that nobody has looked at since then. */
async function notSince(state: StateDb, ids: readonly number[], since: Instant): Promise<readonly number[]> {
  const looked = new Set<number>();
  for (const some of portions(ids, PORTION_ROWS)) {
    const rows = await state.query
      .selectFrom('outcomes')
      .select('mailbox_id')
      .where('server', '=', state.server)
      .where('mailbox_id', 'in', some)
      .where(({ or, eb }) => or([eb('verified_at', '>=', since), eb('failed_at', '>=', since)]))
      .execute();
    for (const { mailbox_id } of rows) looked.add(mailbox_id);
  }
  return ids.filter((id) => !looked.has(id));
}

/** The mailbox, those of its delegates, those of theirs, ... : as many as the batch has room for. */
async function closure(
  state: StateDb,
  seed: number,
  batch: ReadonlySet<number>,
  most: number,
): Promise<ReadonlySet<number>> {
  const found = new Set([seed]);
  const people = new Set<string>();
  for (const id of found) {
    for (const login of await delegatesOf(state, id)) {
      const room = most - batch.size - found.size;
      if (room <= 0) return found;
      if (people.has(login)) continue;
      people.add(login);
      for (const other of await mailboxesOf(state, login, seed, most)) {
        if (found.size >= most - batch.size) return found;
        if (!batch.has(other)) found.add(other);
      }
    }
  }
  return found;
}

async function delegatesOf({ query, server }: StateDb, mailboxId: number): Promise<readonly string[]> {
  return (await delegates(query, { server, mailboxId })).map(({ login }) => login);
}

const delegates = keptQuery((query: StateDb['query'], { server, mailboxId }: { server: string; mailboxId: number }) =>
  query.selectFrom('ledger').select('login').where('server', '=', server).where('mailbox_id', '=', mailboxId),
);

/** So many above that one: those below have had their turn. */
async function mailboxesOf(
  { query, server }: StateDb,
  login: string,
  above: number,
  most: number,
): Promise<readonly number[]> {
  return (await mailboxes(query, { server, login, above, most })).map(({ mailbox_id }) => mailbox_id);
}

interface Theirs {
  readonly [name: string]: string | number;
  readonly server: string;
  readonly login: string;
  readonly above: number;
  readonly most: number;
}

const mailboxes = keptQuery((query: StateDb['query'], { server, login, above, most }: Theirs) =>
  query
    .selectFrom('ledger')
    .select('mailbox_id')
    .where('server', '=', server)
    .where('login', '=', login)
    .where('mailbox_id', '>', above)
    .orderBy('mailbox_id')
    .limit(most),
);
