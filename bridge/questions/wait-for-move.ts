/** Waiting until both mail servers have done their part of a move: the one that is left has taken all away, the new one has given it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Failure } from '../shared/failure.ts';
import { outcomeOf } from '../store/state/outcomes.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { workersSeen } from './every-server.ts';

export interface Part {
  readonly server: string;
  /** It has been verified there. */
  readonly done: boolean;
  /** Why not, as far as it is known: a failure of the last attempt, or that nobody works there. */
  readonly why: Pick<Failure, 'code' | 'message' | 'hint'> | undefined;
}

const POLL_MS = 100;

/** Whose lease is over for so long is gone. */
const SILENT_MS = 5000;

/** Ends when every part is done, or won't be before somebody acts, or after `limitMs`. */
export async function waitForMove(
  table: DelegationDb,
  state: StateDb,
  mailboxId: number,
  servers: readonly string[],
  limitMs: number,
): Promise<readonly Part[]> {
  for (const until = performance.now() + limitMs; ; await delay(POLL_MS)) {
    const over = performance.now() > until; // before the look: what was done until then is seen
    const parts = await Promise.all(servers.map((server) => partOf(table, state, mailboxId, server)));
    if (over || parts.every(({ done, why }) => done || (why !== undefined && why.code !== 'retry'))) return parts;
  }
}

async function partOf(table: DelegationDb, state: StateDb, mailboxId: number, server: string): Promise<Part> {
  const waits = await table.query
    .selectFrom('pending')
    .select('version')
    .where('mailbox_id', '=', mailboxId)
    .where('server', '=', server)
    .executeTakeFirst();
  if (waits === undefined) return { server, done: true, why: undefined };
  const works = (await workersSeen(state))?.get(server)?.works;
  if (works === null || works === undefined || (!works.alive && isGone(works.lastSeen)))
    return { server, done: false, why: nobody(server) };
  const failure = (await outcomeOf(state, mailboxId, server))?.failure;
  return { server, done: false, why: failure !== undefined && failure.version >= waits.version ? failure : undefined };
}

/** Not one that is only late: for a while nobody has taken its place. */
const isGone = (lastSeen: string) => Date.now() - Date.parse(lastSeen) > SILENT_MS;

const nobody = (server: string) => ({
  code: 'absent' as const,
  message: `no sidecar works on ${server}`,
  hint: 'it is done as soon as one does; where that server is gone for good: "mandat server forget"',
});
