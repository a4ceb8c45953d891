/** Answers that servers let us wait for: which mailbox's pass waits for what, and since when, as `status` and `explain` tell it. */
import type { Instant } from '../../../acl/delegation-facts.ts';
import { jsonFact, setJsonFact } from './facts.ts';
import type { StateDb } from './state-db.ts';

export interface SlowAnswer {
  readonly mailboxId: number;
  readonly mailbox: string;
  /** Completes "waits for". */
  readonly what: string;
  readonly since: Instant;
}

/** Whoever makes passes holds the lock, so nobody else writes them. In the order in which they were noted. */
export async function slowAnswers(state: Pick<StateDb, 'query' | 'server'>): Promise<readonly SlowAnswer[]> {
  return (await jsonFact<readonly SlowAnswer[]>(state, 'slow-answers')) ?? [];
}

export async function noteSlowAnswer(state: StateDb, one: SlowAnswer): Promise<void> {
  await change(state, one.mailboxId, [one]);
}

export async function forgetSlowAnswer(state: StateDb, mailboxId: number): Promise<void> {
  await change(state, mailboxId, []);
}

/** What one that was killed has left. */
export async function forgetSlowAnswers(state: StateDb): Promise<void> {
  if ((await slowAnswers(state)).length > 0) await setJsonFact(state, 'slow-answers', undefined);
}

async function change(state: StateDb, mailboxId: number, now: readonly SlowAnswer[]): Promise<void> {
  const { server } = state;
  await state.write(async (query) => {
    const others = (await slowAnswers({ query, server })).filter((one) => one.mailboxId !== mailboxId);
    await setJsonFact({ query, server }, 'slow-answers', [...others, ...now]);
  });
}
