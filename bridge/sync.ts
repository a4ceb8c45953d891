/** One pass over mailboxes, made here or by the sidecar that runs, and the rehearsal of one. */
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { type Environment, mailServer } from './drivers.ts';
import { openEngine } from './engine.ts';
import { Failure } from './failure.ts';
import { type GuardReport, guard, release } from './guard.ts';
import { policyOf } from './policy.ts';
import { withdrawStale } from './reconcile/decide.ts';
import { openGate } from './reconcile/gate.ts';
import { type Result, reconcileMailbox } from './reconcile/mailbox.ts';
import { recordedCutter, recordedPublisher, recordedServer } from './reconcile/recording.ts';
import { rehearsedPublisher, rehearsedServer } from './reconcile/rehearsal.ts';
import type { Site } from './reconcile/site.ts';
import type { Step } from './reconcile/steps.ts';
import { isFromThePast } from './restore.ts';
import { openSchedule } from './schedule.ts';
import { openSenderMap, senderMapExists } from './sender/postfix-sqlite.ts';
import { type DelegationDb, openDelegationDb } from './store/delegation-db.ts';
import { everyMailbox } from './store/every-mailbox.ts';
import { fact, openClock } from './store/facts.ts';
import { dataFiles } from './store/files.ts';
import type { Outcome } from './store/outcomes.ts';
import { markPending, readMailbox } from './store/rows.ts';
import { copyStateDb, openStateDb } from './store/state-db.ts';
import { waitForAll } from './wait.ts';

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
  readonly results: readonly Result[];
  /** Pairs that the guard holds back. */
  readonly held: number;
}

/** Fails `refused` (MANDAT_RUNNING) while a sidecar runs: it does this by itself; `retry` beside another sync. */
export async function syncOnce(
  config: Config,
  env: Environment,
  log: Logger,
  options: SyncOptions,
): Promise<SyncReport> {
  const engine = await openEngine(config, env, log, 'sync');
  try {
    let report = await engine.look();
    if (options.force && report.held.size > 0) {
      await release(engine.table, report, options.actor);
      report = await engine.look();
    }
    const ids = options.mailboxIds ?? (await engine.everyMailbox());
    const results: Result[] = [];
    const schedule = openSchedule({
      work: async (mailboxId, _attempt, goOn) => {
        const result = await engine.work(mailboxId, 1, goOn);
        if (result.kind === 'superseded') return 'again';
        if (result.kind === 'in-force') return 'rest';
        results.push(result);
        options.onProgress?.(results.length, ids.length);
        return 'done';
      },
      concurrency: config.imap.connections,
      retryMinMs: 1,
      retryMaxMs: 1,
    });
    const going = new Set(report.disappearing.map(({ mailboxId }) => mailboxId));
    for (const id of ids) schedule.add(id, going.has(id) ? 'revoke' : 'change');
    await schedule.idle();
    await engine.drain();
    await engine.drainSubmissions();
    return { results, held: countHeld(report) };
  } finally {
    await engine.close();
  }
}

/** How long the sidecar may be silent, no mailbox coming to its end, before it is no longer waited for. */
const SILENCE_MS = 120_000;

/** The same by the sidecar that runs: what it makes of each mailbox at its next attempt. */
export async function syncBySidecar(config: Config, options: SyncOptions): Promise<SyncReport> {
  const files = dataFiles(config.dataDir);
  const table = openDelegationDb(files.delegations);
  try {
    const state = openStateDb(files.state);
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
      const results = await Promise.all(ids.map((id) => resultOf(table, id, version, outcomes.get(id))));
      return { results, held: countHeld(await guard(table, state, config.guard)) };
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
    return { kind: 'failed', version, address, failure };
  }
  const { address, notices } = outcome;
  if (outcome.verifiedVersion >= version || outcome.failure === undefined)
    return { kind: 'verified', version: outcome.verifiedVersion, address, notices };
  const { code, message, hint } = outcome.failure;
  return { kind: 'failed', version: outcome.failure.version, address, failure: new Failure(code, message, hint) };
}

function countHeld({ held }: Pick<GuardReport, 'held'>): number {
  return [...held.values()].reduce((sum, logins) => sum + logins.size, 0);
}

export interface Rehearsal {
  readonly steps: readonly Step[];
  readonly results: readonly Result[];
  readonly held: number;
}

/** The steps that {@link syncOnce} would perform now. Reads the server, writes nothing. */
export async function rehearse(config: Config, env: Environment, options: SyncOptions): Promise<Rehearsal> {
  const files = dataFiles(config.dataDir);
  const table = openDelegationDb(files.delegations, { readonly: true });
  const state = copyStateDb(files.state);
  const map =
    config.senderRules !== undefined && senderMapExists(files.senderDirectory)
      ? openSenderMap(files.senderDirectory, { readonly: true })
      : undefined;
  try {
    const steps: Step[] = [];
    const onStep = (step: Step) => void steps.push(step);
    const inherits = await fact(state, 'inherits');
    const site: Site = {
      table,
      state,
      server: recordedServer(rehearsedServer(mailServer(config, env), inherits === 'yes'), onStep),
      senders:
        config.senderRules === undefined
          ? undefined
          : recordedPublisher(rehearsedPublisher(map ?? { rules: () => [], mailboxIds: () => [] }), onStep),
      cutter: config.sessions === undefined ? undefined : recordedCutter({ cut: async () => {} }, onStep),
      clock: await openClock(state),
      audit: async () => {},
      acts: () => [],
      gate: openGate(),
      noticeRules: undefined,
      stopping: () => false,
      policy: {
        ...policyOf(config),
        autoSubscribe: config.subscriptions.autoSubscribe,
        cutAtGrant: config.sessions?.onGrant === 'cut',
      },
    };
    const report = await guard(table, state, config.guard);
    const held = options.force ? new Map<number, ReadonlySet<string>>() : report.held;
    const mayGive = (await fact(state, 'restored')) !== 'held' && !(await isFromThePast(table, state));
    const results: Result[] = [];
    const ids = options.mailboxIds ?? (await everyMailbox(table, state));
    if (options.mailboxIds === undefined) await withdrawStale(site.senders, ids);
    for (const id of ids) {
      results.push(await reconcileMailbox(site, id, { held: held.get(id) ?? new Set(), mayGive, asOf: undefined }));
      options.onProgress?.(results.length, ids.length);
    }
    if (inherits === undefined && steps.some(({ kind }) => kind === 'set-entry')) sayThatInheritanceIsUnknown(results);
    return { steps, results, held: countHeld({ held }) };
  } finally {
    map?.close();
    await table.close();
    await state.close();
  }
}

/** The one thing that only a first grant can show, since without an entry somewhere there is nothing to inherit. */
function sayThatInheritanceIsUnknown(results: Result[]): void {
  const first = results.find((result) => result.kind === 'verified');
  if (first?.kind !== 'verified') return;
  const message =
    "whether this server lets folders inherit INBOX's entry shows at the first grant: where it does, only special folders get one of their own";
  results.splice(results.indexOf(first), 1, {
    ...first,
    notices: [...first.notices, { code: 'inheritance-unknown', login: '', message }],
  });
}
