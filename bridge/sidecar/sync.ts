/** One pass over mailboxes, made here or by the sidecar that runs. */
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Environment } from '../configured/drivers.ts';
import { openState, openTable } from '../configured/stores.ts';
import { waitForAll } from '../questions/wait-for-change.ts';
import type { Result } from '../reconcile/mailbox.ts';
import type { GuardReport } from '../safeguards/disappearing-pairs.ts';
import { guard, release } from '../safeguards/guard.ts';
import { Failure } from '../shared/failure.ts';
import { type GiveWay, giveBack } from '../shared/portions.ts';
import type { Outcome } from '../store/state/outcomes.ts';
import { everyMailbox, mailboxPortions } from '../store/state/swept-mailboxes.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { markPending, readMailbox } from '../store/table/rows.ts';
import { openEngine } from './engine.ts';
import { openSchedule } from './schedule.ts';

export interface SyncOptions {
  /** Undefined: every mailbox. */
  readonly mailboxIds?: readonly number[] | undefined;
  /** Lets go what the guard holds. */
  readonly force: boolean;
  readonly actor: string;
  /** Hears of each mailbox that has come to its end. */
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

export interface SyncReport {
  /** So many were worked on. */
  readonly mailboxes: number;
  /** Of those of which there is something to tell: what isn't verified without a notice. */
  readonly results: readonly Result[];
  /** Pairs that the guard holds back. */
  readonly held: number;
}

const isToTell = (result: Result) => result.kind !== 'verified' || result.notices.length > 0;

/** Fails `refused` (MANDAT_RUNNING) while a sidecar runs: it does this by itself; `retry` beside another sync. */
export async function syncOnce(
  config: Config,
  env: Environment,
  log: Logger,
  options: SyncOptions,
): Promise<SyncReport> {
  const engine = await openEngine(config, env, log, 'sync');
  try {
    await engine.adoptAll(
      options.mailboxIds === undefined ? mailboxPortions(engine.table, engine.state) : [options.mailboxIds],
    );
    const { mailboxIds: named } = options;
    // What has gone is pending, unless the rules that mark it have been changed.
    const few = named !== undefined && !options.force && (await engine.table.differences()).length === 0;
    let report = await (few ? engine.changes.lookAtThese(named) : engine.lookAtAll());
    if (options.force && report.held.size > 0) {
      await release(engine.table, report, options.actor);
      report = await engine.lookAtAll();
    }
    if (options.mailboxIds === undefined) await engine.clearAway();
    const ids = options.mailboxIds ?? (await everyMailbox(engine.table, engine.state));
    const results: Result[] = [];
    let mailboxes = 0;
    const schedule = openSchedule({
      work: async (mailboxId, _attempt, goOn) => {
        const result = await engine.work(mailboxId, 1, goOn);
        if (result.kind === 'superseded') return 'again';
        if (result.kind === 'in-force') return 'rest';
        if (isToTell(result)) results.push(result);
        options.onProgress?.(++mailboxes, ids.length);
        return 'done';
      },
      concurrency: config.imap.connections,
      retryMinMs: 1,
      retryMaxMs: 1,
      stuckMs: 1,
    });
    const going = new Set(report.disappearing.map(({ mailboxId }) => mailboxId));
    for (const id of ids) schedule.add(id, going.has(id) ? 'revoke' : 'change');
    await schedule.idle();
    if (options.mailboxIds === undefined) await engine.adopted();
    const giveWay = named === undefined ? giveBack : forAMoment();
    await engine.drain(giveWay);
    await engine.drainSubmissions(giveWay);
    return { mailboxes, results, held: countHeld(report) };
  } finally {
    await engine.close();
  }
}

/** So long what waits for the trail is taken over by a pass over some mailboxes, in milliseconds: however much it is, it keeps until a sidecar runs. */
const TAKEN_OVER_MS = 1000;

function forAMoment(): GiveWay {
  const until = performance.now() + TAKEN_OVER_MS;
  return async () => (await giveBack()) && performance.now() < until;
}

/** How long the sidecar may be silent, no mailbox coming to its end, before it is no longer waited for. */
const SILENCE_MS = 120_000;

/** The same by the sidecar that runs: what it makes of each mailbox at its next attempt. */
export async function syncBySidecar(config: Config, options: SyncOptions): Promise<SyncReport> {
  const table = await openTable(config);
  try {
    const state = await openState(config);
    try {
      if (options.force) {
        const report = await guard(table, state, config.guard);
        if (report.held.size > 0) await release(table, report, options.actor);
      }
      const ids = options.mailboxIds ?? (await everyMailbox(table, state));
      const version = await markPending(table, ids, options.actor);
      const changes = ids.map((mailboxId) => ({ mailboxId, version }));
      const { verified, failed } = await waitForAll(
        state,
        changes,
        { until: 'tried', limitMs: SILENCE_MS },
        options.onProgress,
      );
      const outcomes = new Map([...verified, ...failed].map((outcome) => [outcome.mailboxId, outcome]));
      const results: Result[] = [];
      for (const id of ids) {
        const result = await resultOf(table, id, version, outcomes.get(id));
        if (isToTell(result)) results.push(result);
      }
      return { mailboxes: ids.length, results, held: countHeld(await guard(table, state, config.guard)) };
    } finally {
      await state.close();
    }
  } finally {
    await table.close();
  }
}

/** What a pass would have answered. */
async function resultOf(
  table: DelegationDb,
  mailboxId: number,
  version: number,
  outcome: Outcome | undefined,
): Promise<Result> {
  if (outcome === undefined) {
    const address = (await readMailbox(table, mailboxId)).rows?.address ?? `mailbox ${mailboxId}`;
    const seconds = SILENCE_MS / 1000;
    const failure = new Failure(
      'retry',
      `no answer from the sidecar in ${seconds} s`,
      '"mandat status" shows how it fares',
    );
    return { kind: 'failed', version, address, failure, retry: 'retry' };
  }
  const { address, notices } = outcome;
  if (outcome.verifiedVersion >= version || outcome.failure === undefined)
    return { kind: 'verified', version: outcome.verifiedVersion, address, notices };
  const { code, message, hint } = outcome.failure;
  const failure = new Failure(code, message, hint);
  return { kind: 'failed', version: outcome.failure.version, address, failure, retry: 'retry' };
}

/** Pairs. */
export function countHeld({ held }: Pick<GuardReport, 'held'>): number {
  return [...held.values()].reduce((sum, logins) => sum + logins.size, 0);
}
