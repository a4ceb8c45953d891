/**
 * Everything a pass needs, opened in order, with the one lock that makes us the only sidecar: databases, drivers, clock.
 * `mandat run` puts a schedule on top (daemon.ts), `mandat sync` one loop (sync.ts).
 */
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { type Environment, mailServer, sessionCutter } from './drivers.ts';
import type { Failure } from './failure.ts';
import { forgetServedIntents, type GuardReport, guard } from './guard.ts';
import { policyOf } from './policy.ts';
import { withdrawStale } from './reconcile/decide.ts';
import { openGate } from './reconcile/gate.ts';
import { type Result, reconcileMailbox } from './reconcile/mailbox.ts';
import { recordedCutter, recordedPublisher, recordedServer } from './reconcile/recording.ts';
import type { Site } from './reconcile/site.ts';
import type { OnStep, Step } from './reconcile/steps.ts';
import { rememberVersion, type TableAge, tableAge, versionOf } from './restore.ts';
import { type GoOn, retryDelay } from './schedule.ts';
import { openSenders } from './sender/configured.ts';
import type { Senders } from './sender/output.ts';
import { appendAudit, drainEvents, outcomeEntry, sealKey } from './store/audit.ts';
import { type DelegationDb, openDelegationDb } from './store/delegation-db.ts';
import { everyMailbox } from './store/every-mailbox.ts';
import { fact, openClock } from './store/facts.ts';
import { dataFiles } from './store/files.ts';
import { type Holder, takeLock } from './store/lock.ts';
import { recordFailure } from './store/outcomes.ts';
import { changedSince, pendingMailboxes, settle } from './store/rows.ts';
import { applySettings } from './store/settings.ts';
import { openStateDb, type StateDb } from './store/state-db.ts';

export interface Engine {
  readonly site: Site;
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly age: TableAge;
  /** One pass over a mailbox, its outcome recorded. `attempt` counts from 1 since the last success. Never throws. */
  work(mailboxId: number, attempt: number, goOn?: GoOn): Promise<Result>;
  /** Looks at what is about to disappear; `work` holds back what it says until the next look, and looks again before it obeys news. */
  look(among?: readonly number[]): Promise<GuardReport>;
  /** {@link everyMailbox}. */
  everyMailbox(): Promise<readonly number[]>;
  /** Takes over audit events from the table. */
  drain(): Promise<void>;
  /** Drivers and policy of a new configuration, once nothing is in hand. */
  adopt(config: Config): Promise<void>;
  askToStop(): void;
  close(): Promise<void>;
}

export async function openEngine(
  config: Config,
  env: Environment,
  log: Logger,
  as: Holder = 'sidecar',
): Promise<Engine> {
  const files = dataFiles(config.dataDir);
  const lock = takeLock(files.lock, as);
  const opened: (() => unknown)[] = [() => lock.release()];
  try {
    const table = openDelegationDb(files.delegations);
    opened.push(() => table.close());
    const state = openStateDb(files.state);
    opened.push(() => state.close());
    const clock = await openClock(state);
    const key = sealKey(files.sealKey);
    let stopping = false;
    let senders: Senders | undefined;
    const behind = (failures: readonly Failure[]) => {
      for (const { code, message, hint } of failures) log.error({ code, hint }, message);
    };
    opened.push(() => senders?.close());

    const build = async (next: Config): Promise<Site> => {
      const onStep = stepLogger(log);
      const server = recordedServer(mailServer(next, env), onStep);
      const cutter = sessionCutter(next, env);
      const opened = openSenders(next, files, behind);
      await applySettings(table, next);
      senders?.close();
      senders = opened;
      // What another process, or another configuration, left behind. Each pass tries again, and fails where it can't be done.
      behind((await senders?.settle()) ?? []);
      return {
        table,
        state,
        server,
        senders: opened === undefined ? undefined : recordedPublisher(opened, onStep),
        cutter: cutter === undefined ? undefined : recordedCutter(cutter, onStep),
        clock,
        audit: (action, mailbox, delegate, detail) =>
          appendAudit(state, key, [outcomeEntry(clock.now(), action, mailbox, delegate, detail)]),
        gate: openGate(),
        stopping: () => stopping,
        policy: {
          ...policyOf(next),
          autoSubscribe: next.subscriptions.autoSubscribe,
          cutAtGrant: next.sessions?.onGrant === 'cut',
        },
      };
    };

    let current = config;
    let site = await build(config);
    const age = await tableAge(table, state);
    let mayGive = age === 'current';
    let report: GuardReport = { disappearing: [], held: new Map(), standing: 0 };
    let lookedAt = 0;

    const look = async (among?: readonly number[]) => {
      const version = await versionOf(table); // before: what comes meanwhile is looked at again
      report = await guard(table, state, current.guard, among);
      mayGive = (await fact(state, 'restored')) !== 'held';
      lookedAt = version;
      return report;
    };

    const work = async (mailboxId: number, attempt: number, goOn?: GoOn): Promise<Result> => {
      if (await changedSince(table, mailboxId, lookedAt)) {
        await look((await pendingMailboxes(table)).map((pending) => pending.mailboxId));
      }
      const held = report.held.get(mailboxId) ?? new Set<string>();
      const result = await reconcileMailbox(site, mailboxId, { held, mayGive, asOf: lookedAt }, goOn);
      const now = clock.now();
      await clock.save();
      if (result.kind === 'superseded' || result.kind === 'in-force') return result;
      if (result.kind === 'failed') {
        const { retryMinSeconds, retryMaxSeconds } = current.schedule;
        const delay = retryDelay(attempt, retryMinSeconds * 1000, retryMaxSeconds * 1000);
        const at = new Date(Date.parse(now) + delay).toISOString();
        if (attempt === 1) {
          const { code, message } = result.failure;
          await site.audit('failed', result.address, null, { code, message });
        }
        await recordFailure(state, { mailboxId, ...result }, result.failure, { attempts: attempt, at }, now);
        return result;
      }
      await forgetServedIntents(table, state, mailboxId);
      if (held.size === 0) await settle(table, mailboxId, result.version);
      await rememberVersion(table, state);
      return result;
    };

    return {
      get site() {
        return site;
      },
      table,
      state,
      age,
      work,
      look,
      everyMailbox: async () => {
        const ids = await everyMailbox(table, state);
        behind(await withdrawStale(site.senders, ids));
        return ids;
      },
      drain: async () => {
        await drainEvents(table, state, key);
      },
      adopt: async (next) => {
        site = await build(next);
        current = next;
      },
      askToStop: () => {
        stopping = true;
      },
      close: async () => {
        await clock.save();
        for (const close of opened.reverse()) await close();
      },
    };
  } catch (error) {
    for (const close of opened.reverse()) await close();
    throw error;
  }
}

/** What was done on the servers, one line each; never who wrote to whom about what. */
function stepLogger(log: Logger): OnStep {
  return (step: Step) => {
    const { kind, ...facts } = step;
    if (kind === 'subscribe' || kind === 'unsubscribe') log.debug(facts, kind);
    else log.info(facts, kind);
  };
}
