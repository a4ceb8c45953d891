/**
 * What passes act with: drivers made from the configuration, each step logged and noted for the audit trail. Several passes are at work at once: each
 * is given its own, around drivers that all have in common, so that what is done is known to be its. (To find out whose turn of the loop it is, as
 * AsyncLocalStorage does, costs a tenth of a sweep's processor time.)
 */

import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { type Environment, mailServer, sessionCutter } from '../configured/drivers.ts';
import { policyOf } from '../configured/site-policy.ts';
import { watchedServer } from '../health/contact.ts';
import type { PassSigns, Signs } from '../health/signs.ts';
import type { Seen } from '../imap/dialects.ts';
import { noticeRules } from '../notify/notice-rules.ts';
import type { MailServer, SenderPublisher, SessionCutter } from '../reconcile/driver-interfaces.ts';
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
  /** The same for one pass: what it does is told to `hears`, and noted for it alone. */
  own(site: Site, hears?: Hears): Site;
  /** Outputs of the sender rules that could not be brought up to date. */
  tellBehind(failures: readonly Failure[]): void;
  close(): void;
}

/** Who hears of what one pass does. */
export interface Hears {
  readonly signs: PassSigns;
  /** Of each session that it asks for. */
  readonly login?: (() => void) | undefined;
}

/** What a site's passes share. */
interface Drivers {
  readonly server: MailServer;
  readonly senders: SenderPublisher | undefined;
  readonly cutter: SessionCutter | undefined;
}

export function openActing(ground: Ground): Acting {
  const { table, state, clock, key, files, env, log, stopping, signs, working, late } = ground;
  const logStep = stepLogger(log);
  const drivers = new WeakMap<Site['gate'], Drivers>();
  const own = (
    gate: Site['gate'],
    { signs: told, login }: Hears,
  ): Pick<Site, keyof Drivers | 'audit' | 'acts' | 'hasActed'> => {
    const { server, senders: publisher, cutter } = drivers.get(gate) as Drivers;
    const acts: Step[] = [];
    const onStep: OnStep = (step) => {
      logStep(step);
      told.step(step);
      acts.push(step);
    };
    const watched = watchedServer(server, told.contact);
    return {
      server: recordedServer(login === undefined ? watched : countedLogins(watched, login), onStep),
      senders: publisher && recordedPublisher(publisher, onStep),
      cutter: cutter && recordedCutter(cutter, onStep),
      audit: async (lines, within) => {
        told.said(lines);
        const now = clock.now();
        const entries = lines.map((line) => ownEntry(now, line));
        await (within === undefined ? appendAudit(state, key, entries) : append(within, key, entries));
      },
      acts: () => acts.splice(0),
      hasActed: () => acts.length > 0,
    };
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
    own: (site, hears = { signs }) => ({ ...site, ...own(site.gate, hears) }),
    tellBehind,
    close: () => senders?.close(),
    site: async (config) => {
      const cutter = sessionCutter(config, env);
      const opened = openSenders(config, files, tellBehind, state);
      await applySettings(table, config);
      senders?.close();
      senders = opened;
      // What another process, or another configuration, left behind. Each pass tries again, and fails where it can't be done.
      if ((await paused(state)) === undefined) tellBehind((await senders?.settle()) ?? []);
      const gate = openGate();
      drivers.set(gate, {
        server: fencedServer(mailServer(config, env, noteServer), working, late),
        senders: opened && fencedPublisher(opened, working),
        cutter: cutter && fencedCutter(cutter, working),
      });
      return {
        table,
        state,
        ...own(gate, { signs }),
        acts: () => [], // of a pass alone
        hasActed: () => false,
        clock,
        vouches: (event) => isVouched(key, event),
        gate,
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
