/**
 * How long one waits for a PostgreSQL that says nothing. A connection on which an answer doesn't come in time ends; and a process that is about to end waits
 * for a few seconds in all: what is open then fails, nothing more is asked, and it leaves as if PostgreSQL were away.
 */
import type { Client } from 'pg';

/** In milliseconds. Longer than a lock is waited for (BUSY_MS), which is no silence. */
const LEAVING_MS = 7000;

/** How long the other side may take to close a connection that we have taken leave of, in milliseconds. */
const CLOSING_MS = 2000;

/** What is waited for just now: each is given up by what stands beside it. */
const waiting = new Set<() => void>();
let leaves = false;
let givenUp = false;

/** To be called once, by a process that ends. */
export function hurry(): void {
  if (leaves) return;
  leaves = true;
  for (const giveUp of waiting) soon(giveUp);
}

/** Whether nothing more is asked. */
export const asksNoMore = (): boolean => givenUp;

function soon(giveUp: () => void): void {
  setTimeout(() => {
    if (!waiting.has(giveUp)) return;
    givenUp = true;
    giveUp();
  }, LEAVING_MS).unref();
}

function waitFor(giveUp: () => void): () => void {
  waiting.add(giveUp);
  if (leaves) soon(giveUp);
  return () => void waiting.delete(giveUp);
}

/** As node-postgres says it: failures.ts knows these. */
const unanswered = () => new Error('Query read timeout');
const unreached = () => new Error('timeout expired');

/**
 * A question that gets no answer in time is given up by node-postgres, and its connection goes on: the ROLLBACK behind it would be given up as well, and
 * whoever got the connection next would write within that old transaction. So the connection ends with it.
 */
export function patient<C extends Client>(client: C): C {
  const give = (error: Error) => streamOf(client)?.destroy(error);
  const ask = client.query.bind(client) as (...asked: readonly unknown[]) => Promise<unknown>;
  const query = async (...asked: readonly unknown[]) => {
    if (givenUp) {
      give(unanswered());
      throw unanswered();
    }
    const over = waitFor(() => give(unanswered()));
    try {
      return await ask(...asked);
    } catch (error) {
      if (error instanceof Error && error.message === unanswered().message) give(error);
      throw error;
    } finally {
      over();
    }
  };
  const connect = client.connect.bind(client) as (done: Done) => void;
  const connecting = (done: Done) => {
    if (givenUp) return void process.nextTick(done, unreached());
    const over = waitFor(() => give(unreached()));
    connect((...how) => {
      over();
      done(...how);
    });
  };
  const end = client.end.bind(client) as (done: Done) => void;
  const ending = (done: Done) => {
    const late = setTimeout(() => streamOf(client)?.destroy(), CLOSING_MS);
    end((...how) => {
      clearTimeout(late);
      done(...how);
    });
  };
  return Object.assign(client, { query, connect: either(connecting), end: either(ending) });
}

type Done = (error?: Error | null) => void;

/** As node-postgres has them: with a callback, or with a promise. */
function either(work: (done: Done) => void) {
  return (done?: Done): Promise<void> | undefined => {
    if (done !== undefined) return void work(done);
    return new Promise((resolve, reject) => work((error) => (error ? reject(error) : resolve())));
  };
}

/** node-postgres has it; its types don't. */
const streamOf = (client: unknown) =>
  (client as { readonly connection?: { readonly stream?: { destroy(error?: Error): void } } }).connection?.stream;
