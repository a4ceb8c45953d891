/**
 * Everything a pass needs, opened in order, with the one lock that makes us the only sidecar: databases, drivers (acting.ts), clock,
 * audit trail (trail-upkeep.ts). `mandat run` puts a schedule on top (daemon.ts), `mandat sync` one loop (sync.ts).
 */

import type { Logger } from 'pino';
import type { Instant } from '../../acl/delegation-facts.ts';
import type { Config } from '../../config/schema.ts';
import { refuseHalfRestored } from '../backup/unfinished.ts';
import type { Environment } from '../configured/drivers.ts';
import { deciding, retryWaits } from '../configured/retrying.ts';
import { existingSubmissionStore, openState, openTable, siteDutiesOn, takeWorkOn } from '../configured/stores.ts';
import { NO_SIGNS, type Signs } from '../health/signs.ts';
import { actLines } from '../reconcile/acts.ts';
import { withdrawStale } from '../reconcile/first-phase.ts';
import { type Result, reconcileMailbox } from '../reconcile/mailbox.ts';
import { recordLooks } from '../reconcile/record-looks.ts';
import type { Site } from '../reconcile/site.ts';
import { adoptEntries } from '../safeguards/adopted-entries.ts';
import { lookAtRules } from '../safeguards/changed-rules.ts';
import type { GuardReport } from '../safeguards/disappearing-pairs.ts';
import { adoptingFrom, FOREIGN_STATE_HINT, takeOver } from '../safeguards/foreign-state.ts';
import { forgetServedIntents } from '../safeguards/guard.ts';
import { mendValues } from '../safeguards/mended-values.ts';
import { holdOlderDatabase } from '../safeguards/older-database.ts';
import { type Pause, paused, takenByName } from '../safeguards/pause.ts';
import { refuseRenamedServer } from '../safeguards/renamed-server.ts';
import { holdShorterTrail } from '../safeguards/shorter-trail.ts';
import { rememberVersion, type TableAge, tableAge } from '../safeguards/table-from-the-past.ts';
import { closeAll } from '../shared/close-all.ts';
import { Failure, failureOf } from '../shared/failure.ts';
import { type GiveWay, giveBack } from '../shared/portions.ts';
import { dataFiles } from '../store/files/data-files.ts';
import { refuseHalfCopied } from '../store/files/half-copied.ts';
import { type Holder, type Lock, takeLock } from '../store/files/lock.ts';
import { eraseAccounts } from '../store/state/account-erasure.ts';
import { forgetAnswers } from '../store/state/api-answers.ts';
import { fact, openClock, setFact } from '../store/state/facts.ts';
import { beginTelling } from '../store/state/last-notified.ts';
import { outcomesOf, recordFailure } from '../store/state/outcomes.ts';
import { forgetRepairs } from '../store/state/repairs.ts';
import { forgetSlowAnswers } from '../store/state/slow-answers.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { tablePortions, unknownAmong } from '../store/state/swept-mailboxes.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { readMailbox, settle } from '../store/table/rows.ts';
import { compareRows } from '../store/trail/compare-rows.ts';
import { sealKeyOf } from '../store/trail/sealing.ts';
import { drainEvents } from '../store/trail/take-over-events.ts';
import type { Working } from '../store/working.ts';
import { type Hears, openActing } from './acting.ts';
import { leftSinceTakeOver } from './after-take-over.ts';
import { type Changes, openChanges } from './changes.ts';
import type { Looked } from './delegates-half.ts';
import { type GoOn, retryWait } from './schedule.ts';
import { openTrail } from './trail-upkeep.ts';

/** What a pass does of the delegates' half of its work (delegates-half.ts). Default: all of it. */
export interface Half {
  /** Left for later. */
  readonly later?: boolean;
  /** Done, and to be recorded if it still holds. */
  readonly looked?: Looked | undefined;
}

/** Where whoever opens it has seen to it already that nobody else works here. */
export interface Standing {
  readonly working: Working;
  /** Done after a lost connection, before the work goes on. */
  again: () => Promise<void>;
  /** Owners in whose mailboxes a change may have come late (reconcile/fenced.ts). */
  readonly late: Set<string>;
}

export interface Engine {
  readonly working: Working;
  /** When it was taken from a sidecar that was silent; undefined where it wasn't. */
  readonly takenAt: Instant | undefined;
  readonly site: Site;
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly age: TableAge;
  /** Whether nothing may be written to the servers just now, and why. */
  paused(): Promise<Pause | undefined>;
  /** One pass over a mailbox, its outcome recorded. `attempt` counts from 1 since the last success. Never throws. */
  work(mailboxId: number, attempt: number, goOn?: GoOn, half?: Half, hears?: Hears): Promise<Result>;
  /** What has changed. {@link Engine.work} looks again before it obeys news. */
  readonly changes: Changes;
  /** Before a sweep: what belongs to nobody any more is cleared away. */
  clearAway(giveWay?: GiveWay): Promise<void>;
  /** Before a look at all of it, where this state.db isn't the table's: entries like ours in these mailboxes become ours. Failures wait for the pass. False: it is. */
  adoptAll(mailboxIds: AsyncIterable<readonly number[]> | Iterable<readonly number[]>): Promise<boolean>;
  /** And that look, by the guard. What a pass takes in from then on is judged with it. */
  lookAtAll(giveWay?: GiveWay): Promise<GuardReport>;
  /** After it: whether every mailbox has been looked at now. */
  adopted(): Promise<void>;
  /** Puts right what nothing could follow in the table, and says so (mended-values.ts). */
  mend(): Promise<void>;
  /** Whether the table's own rules are others than at the last look (rules.ts). */
  rulesMoved(): Promise<boolean>;
  /** Takes over audit events from the table. */
  drain(giveWay?: GiveWay): Promise<void>;
  /** And from the submission filter, if it has noted anything since. */
  drainSubmissions(giveWay?: GiveWay): Promise<void>;
  /** Takes off the audit trail what is older than it is kept, and forgets what was put right long ago. */
  prune(giveWay: GiveWay): Promise<void>;
  /** All of the audit trail is proven, once a day. */
  proveTrail(giveWay: GiveWay): Promise<void>;
  /** Says in the log where the audit trail ends: what was cut off it later shows beside it. */
  tellHead(): Promise<void>;
  /** Whether what belongs to no mail server is this sidecar's to do. */
  hasDuties(): Promise<boolean>;
  /** Whether events were left to whoever else had the site's duties when they came: nothing wakes us where that one does no more. */
  readonly eventsLeft: boolean;
  /** Fails where it isn't, or this sidecar's turn is over. */
  sureOfDuties(): Promise<void>;
  /** Notes it beside the key, where nobody can write it anew without that. */
  keepHead(): Promise<void>;
  /** Drivers and policy of a new configuration, once nothing is in hand. */
  adopt(config: Config): Promise<void>;
  /** What is done, while it runs too, where the database in PostgreSQL is found to be older than the one last seen: it is held. */
  older(held: boolean): Promise<void>;
  /** Called each time after that. */
  onOlder(hear: () => void): void;
  askToStop(): void;
  close(): Promise<void>;
}

export async function openEngine(
  config: Config,
  env: Environment,
  log: Logger,
  as: Holder = 'sidecar',
  signs: Signs = NO_SIGNS,
  given?: Standing,
): Promise<Engine> {
  const files = dataFiles(config.dataDir);
  const lock: Lock | undefined = given === undefined ? takeLock(files.lock, as) : undefined;
  const opened: (() => unknown)[] = [() => lock?.release()];
  try {
    refuseHalfRestored(files);
    if (config.database === undefined) refuseHalfCopied(files);
    let lookAtTrail = async () => {};
    let holding: Promise<void> | undefined;
    let whenHeld = async () => {};
    let heldHere = false;
    /** `already`: by another server's sidecar perhaps, which knows nothing of who has lost their sender rule here. */
    const older = async (already: boolean) => {
      if (already && heldHere) return;
      holding ??= holdOlderDatabase(config)
        .then(() => {
          heldHere = true;
          log.error({ hint: ACCEPT }, OLDER);
        })
        .then(() => void whenHeld())
        .finally(() => {
          holding = undefined;
        });
      return holding;
    };
    const working = given?.working ?? (await takeWorkOn(config, as, () => lookAtTrail()));
    if (given === undefined) opened.push(() => working.release());
    else given.again = () => lookAtTrail();
    const worker = working.token;
    const duties = await siteDutiesOn(config, worker);
    opened.push(() => duties.release());
    const state = await openState(config, { writes: true, worker, older });
    opened.push(() => state.close());
    // For what nobody waits for: its commits keep nobody from the disk.
    const beside = await openState(config, { writes: true, durable: false, worker, older });
    opened.push(() => beside.close());
    const key = await sealKeyOf(files.sealKey, state);
    // What we write there is done again where a power cut takes it: a mailbox is pending still, an event is known to be sealed.
    const table = await openTable(config, { writes: true, durable: false, key, worker, older });
    opened.push(() => table.close());
    await refuseRenamedServer(config, table, state);
    const clock = await openClock(state);
    let stopping = false;
    let left = false;
    const acting = openActing({
      table,
      state,
      clock,
      key,
      files,
      env,
      log,
      stopping: () => stopping || working.isLost,
      signs,
      working,
      late: (owner) => given?.late.add(owner),
    });
    opened.push(() => acting.close());
    const trail = openTrail({
      state,
      files,
      clock,
      key,
      log,
      existingSubmissions: () => existingSubmissionStore(config, { older }),
    });
    opened.push(() => trail.close());

    let current = config;
    let toTell = await mendValues(table, state); // before anything counts on them; told when there is somebody to tell
    await beginTelling(table, state);
    await forgetSlowAnswers(state);
    let site = await acting.site(config);
    const mend = async () => {
      // Whoever has the site's duties sees that its settings stand there: two configurations would take turns for ever.
      const mended = [...toTell, ...(await mendValues(table, state, (await duties.ours()) ? current : undefined))];
      toTell = [];
      if (mended.length === 0) return;
      log.error(
        { mended },
        'values in the delegation table that mandat keeps for itself were not its own, and have been put right',
      );
      const line = { mailbox: null, onBehalf: null, delegate: null };
      await site.audit([{ action: 'values-mended', ...line, detail: { mended: mended.join('; ') } }]);
    };
    await mend();
    const foreign = await takeOver(table, state);
    if (config.database !== undefined) {
      lookAtTrail = async () => {
        if (await holdShorterTrail(files, key, state, clock.now())) log.error({ hint: ACCEPT }, OLDER);
      };
      await lookAtTrail();
    }
    const age = await tableAge(table, state);
    const stateId = await fact(state, 'state-id');
    let adoptFrom = await adoptingFrom(state);
    if (foreign !== undefined) {
      log.error({ hint: FOREIGN_STATE_HINT }, foreign);
      const line = { mailbox: null, onBehalf: null, delegate: null };
      await site.audit([{ action: 'foreign-state', ...line, detail: { why: foreign } }]);
    }
    let hearOlder = () => {};
    whenHeld = async () => {
      adoptFrom = await adoptingFrom(state).catch(() => adoptFrom);
      hearOlder();
    };
    /** What is like ours in one mailbox: see adopted-entries.ts. */
    const adoptIn = async (mailboxId: number) =>
      adoptFrom === undefined ? new Set<string>() : adoptEntries(site, mailboxId, adoptFrom);
    const takenAt = working.takenFrom === undefined ? undefined : clock.now();
    /** And what the one before us may have written late (after-take-over.ts). */
    const adoptLate = async (mailboxId: number) => {
      const left = takenAt === undefined ? NOBODY : await leftSinceTakeOver(table, state, mailboxId, takenAt);
      if (left.size > 0) await adoptEntries(site, mailboxId, Number.POSITIVE_INFINITY, left);
      return adoptIn(mailboxId);
    };
    const mayGiveNow = async () =>
      (await fact(state, 'restored')) !== 'held' && (await table.differences()).length === 0;
    const changes = openChanges(table, state, () => current.guard);
    let judgedFrom: number | undefined;

    /** Mailboxes that were worked on since their rows were compared with what was seen of them before. */
    const touched = new Set<number>();
    const work: Engine['work'] = async (mailboxId, attempt, goOn, { later, looked } = {}, hears) => {
      const own = acting.own(site, hears);
      const pause = await paused(state);
      const byName = pause === undefined || pause.all ? NOBODY : await takenByName(table, state, mailboxId);
      if (pause !== undefined && byName.size === 0) return leftAlone(table, mailboxId);
      const only = pause && { pause, logins: byName };
      touched.add(mailboxId);
      await working.sure();
      const unjudged = only ? NOBODY : await adoptLate(mailboxId).catch((error: unknown) => failureOf(error));
      const asOf = await changes.lookAt(mailboxId);
      const mayGive = await mayGiveNow();
      const held = new Set([...changes.heldIn(mailboxId), ...(unjudged instanceof Failure ? [] : unjudged)]);
      const pass = async (): Promise<Result> =>
        (looked && (await recordLooks(own, looked.unseen, looked.seen, beside))) ??
        reconcileMailbox(own, mailboxId, { held, mayGive, asOf, only, later }, goOn);
      const result = await (unjudged instanceof Failure ? notLookedAt(table, mailboxId, unjudged) : pass());
      await changes.lookAfter(mailboxId);
      const now = clock.now();
      if (result.kind !== 'unseen' && looked === undefined) await clock.save(); // a sweep begins and ends with it
      if (result.kind !== 'failed' && result.kind !== 'verified') return result;
      if (result.kind === 'failed') {
        const delay = retryWait(result.retry, attempt, retryWaits(current));
        const at = new Date(Date.parse(now) + delay).toISOString();
        if (attempt === 1) {
          const { code, message } = result.failure;
          const { address: mailbox } = result;
          await own.audit([{ action: 'failed', mailbox, onBehalf: null, delegate: null, detail: { code, message } }]);
        }
        await recordFailure(state, { mailboxId, ...result }, result.failure, { attempts: attempt, at }, now);
        return result;
      }
      await forgetServedIntents(table, state, mailboxId);
      if (held.size === 0) await settle(table, mailboxId, result.version, stateId);
      await rememberVersion(table, state);
      // They were taken in behind that look, and no sweep comes to a mailbox that was just verified.
      if (unjudged instanceof Failure || unjudged.size === 0 || judgedFrom !== adoptFrom) return result;
      await changes.judge(mailboxId);
      return { kind: 'superseded' };
    };

    return {
      working,
      takenAt,
      get site() {
        return site;
      },
      table,
      state,
      age,
      paused: () => paused(state),
      older,
      onOlder: (hear) => {
        hearOlder = hear;
      },
      work,
      changes,
      clearAway: async (giveWay = giveBack) => {
        if ((await paused(state)) !== undefined) return;
        const own = acting.own(site);
        const unknown = (ids: readonly number[]) => unknownAmong(table, state, ids);
        acting.tellBehind(await withdrawStale(own.senders, unknown, giveWay));
        await own.audit(actLines(own.acts(), new Map()).map((line) => ({ mailbox: null, onBehalf: null, ...line })));
        // A table from the past lacks delegates who may come back.
        if (!(await duties.ours())) return;
        if (await mayGiveNow()) await eraseAccounts(table, state, clock.now(), undefined, giveWay);
        await forgetAnswers(state, clock.now());
      },
      adoptAll: async (mailboxIds) => {
        if (adoptFrom === undefined) return false;
        for await (const ids of mailboxIds) for (const id of ids) await adoptIn(id).catch(() => {});
        return true;
      },
      lookAtAll: async (giveWay) => {
        const from = adoptFrom;
        const report = await changes.lookAtAll(giveWay);
        judgedFrom = from;
        return report;
      },
      adopted: async () => {
        if (adoptFrom === undefined) return;
        for await (const ids of tablePortions(table)) {
          const seen = new Map((await outcomesOf(state, ids)).map((one) => [one.mailboxId, one.verifiedVersion]));
          for (const id of ids) if ((seen.get(id) ?? 0) < adoptFrom) return;
          await giveBack();
        }
        adoptFrom = undefined;
        judgedFrom = undefined; // for a pass that goes on: all is judged
        await setFact(state, 'adopting', '');
        log.warn('every mailbox has been looked at: this state.db is that of the delegation table from now on');
      },
      mend,
      rulesMoved: () => lookAtRules({ table, state, audit: site.audit, log }),
      drain: async (giveWay = giveBack) => {
        left = !(await duties.ours());
        if (!left) await drainEvents(table, beside, key, giveWay, state);
        const ids = [...touched];
        touched.clear();
        if (config.database !== undefined) await trail.keepHead(); // a fail-over may come at any moment
        if (ids.length > 0 && !(await compareRows(table, state, key, ids, clock.now(), giveWay)))
          for (const id of ids) touched.add(id);
      },
      prune: async (giveWay) => {
        await forgetRepairs(state);
        if (await duties.ours()) await trail.prune(current.audit.retentionDays, giveWay);
      },
      proveTrail: async (giveWay) => {
        if (await duties.ours()) await trail.prove(giveWay);
      },
      tellHead: trail.tellHead,
      keepHead: trail.keepHead,
      drainSubmissions: async (giveWay = giveBack) => {
        if (await duties.ours()) await trail.drainSubmissions(giveWay);
      },
      hasDuties: duties.ours,
      get eventsLeft() {
        return left;
      },
      sureOfDuties: async () => {
        await working.sure();
        if (!(await duties.ours())) throw new Failure('retry', "another sidecar has taken over what is the site's", '');
      },
      adopt: async (next) => {
        site = await acting.site(next);
        current = next;
      },
      askToStop: () => {
        stopping = true;
      },
      close: async () => {
        const noted = working.isLost ? [] : [() => clock.save(), () => trail.keepHead()];
        await closeAll([...noted, ...opened.reverse()]); // also where nothing can be noted any more
      },
    };
  } catch (error) {
    await closeAll(opened.reverse()).catch(() => {}); // why it could not be opened is what counts
    throw error;
  }
}

const OLDER = 'the database is older than the one last seen: it is obeyed only where it takes access away';
const ACCEPT = '"mandat list", then "mandat restore accept"';

const NOBODY: ReadonlySet<string> = new Set();

/** While it is paused, and nobody has to go by name. */
async function leftAlone(table: DelegationDb, mailboxId: number): Promise<Result> {
  const { version, rows } = await readMailbox(table, mailboxId);
  return { kind: 'paused', version, address: rows?.address ?? `mailbox ${mailboxId}` };
}

/** What a pass would have answered that could not look for entries like ours. */
async function notLookedAt(table: DelegationDb, mailboxId: number, failure: Failure): Promise<Result> {
  const { version, rows } = await readMailbox(table, mailboxId);
  const address = rows?.address ?? `mailbox ${mailboxId}`;
  return { kind: 'failed', version, address, ...deciding([failure], false) };
}
