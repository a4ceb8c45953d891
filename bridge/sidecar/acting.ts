/** What passes act with: drivers made from the configuration, each step logged and noted for the audit trail. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { type Environment, mailServer, sessionCutter } from '../configured/drivers.ts';
import { policyOf } from '../configured/site-policy.ts';
import { watchedServer } from '../health/contact.ts';
import type { Signs } from '../health/signs.ts';
import type { Seen } from '../imap/dialects.ts';
import { noticeRules } from '../notify/notice-rules.ts';
import { fencedCutter, fencedPublisher, fencedServer, type Late } from '../reconcile/fenced.ts';
import { openGate } from '../reconcile/login-turns.ts';
import { recordedCutter, recordedPublisher, recordedServer } from '../reconcile/recording.ts';
import type { Site } from '../reconcile/site.ts';
import type { OnStep, Step } from '../reconcile/steps.ts';
import { paused } from '../safeguards/pause.ts';
import { openSenders } from '../sender/configured-outputs.ts';
import type { Senders } from '../sender/outputs.ts';
import { type Failure, failureOf } from '../shared/failure.ts';
import type { DataFiles } from '../store/files/data-files.ts';
import { type openClock, setFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { applySettings } from '../store/table/rule-settings.ts';
import { isVouched } from '../store/table/vouched-events.ts';
import { append, appendAudit, ownEntry } from '../store/trail/sealing.ts';
import type { Working } from '../store/working.ts';
import { countedLogins } from './login-budget.ts';

export interface Ground {
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly clock: Awaited<ReturnType<typeof openClock>>;
  /** Of the audit trail's seals. */
  readonly key: Buffer;
  readonly files: DataFiles;
  readonly env: Environment;
  readonly log: Logger;
  readonly stopping: () => boolean;
  /** Hears what is done. */
  readonly signs: Signs;
  /** Asked before each change. */
  readonly working: Working;
  readonly late: Late;
}

export interface Acting {
  /** The drivers of a configuration; those of the one before are closed. */
  site(config: Config): Promise<Site>;
  /** Runs `work` with its steps noted in `acts`: several passes are at work at once, through the same drivers. */
  noting<T>(acts: Step[], work: () => T): T;
  /** Outputs of the sender rules that could not be brought up to date. */
  tellBehind(failures: readonly Failure[]): void;
  close(): void;
}

export function openActing(ground: Ground): Acting {
  const { table, state, clock, key, files, env, log, stopping, signs, working, late } = ground;
  const noted = new AsyncLocalStorage<Step[]>();
  const logStep = stepLogger(log);
  const onStep: OnStep = (step) => {
    logStep(step);
    signs.step(step);
    noted.getStore()?.push(step);
  };
  let senders: Senders | undefined;
  const noteServer = (seen: Seen) => {
    log.info({ ...seen }, 'the IMAP server');
    setFact(state, 'imap-server', JSON.stringify(seen)).catch((error: unknown) => {
      log.warn({ reason: failureOf(error).message }, 'which server it is could not be noted');
    });
  };
  const tellBehind = (failures: readonly Failure[]) => {
    for (const { code, message, hint } of failures) log.error({ code, hint }, message);
  };
  return {
    noting: (acts, work) => noted.run(acts, work),
    tellBehind,
    close: () => senders?.close(),
    site: async (config) => {
      const server = countedLogins(watchedServer(mailServer(config, env, noteServer), signs.contact));
      const cutter = sessionCutter(config, env);
      const opened = openSenders(config, files, tellBehind, state);
      await applySettings(table, config);
      senders?.close();
      senders = opened;
      // What another process, or another configuration, left behind. Each pass tries again, and fails where it can't be done.
      if ((await paused(state)) === undefined) tellBehind((await senders?.settle()) ?? []);
      return {
        table,
        state,
        server: recordedServer(fencedServer(server, working, late), onStep),
        senders: opened && recordedPublisher(fencedPublisher(opened, working), onStep),
        cutter: cutter && recordedCutter(fencedCutter(cutter, working), onStep),
        clock,
        audit: async (lines, within) => {
          signs.said(lines);
          const now = clock.now();
          const entries = lines.map((line) => ownEntry(now, line));
          await (within === undefined ? appendAudit(state, key, entries) : append(within, key, entries));
        },
        vouches: (event) => isVouched(key, event),
        acts: () => noted.getStore()?.splice(0) ?? [],
        gate: openGate(),
        noticeRules: noticeRules(config),
        stopping,
        policy: {
          ...policyOf(config),
          autoSubscribe: config.subscriptions.autoSubscribe,
          cutAtGrant: config.sessions?.onGrant === 'cut',
          onDrift: config.reconcile.onDrift,
        },
      };
    },
  };
}

/** What was done on the servers, one line each; never who wrote to whom about what. */
function stepLogger(log: Logger): OnStep {
  return (step: Step) => {
    const { kind, ...facts } = step;
    if (kind === 'subscribe' || kind === 'unsubscribe') log.debug(facts, kind);
    else log.info(facts, kind);
  };
}
