/** The rehearsal of a pass (`sync --dry-run`): the same code on drivers that only read. */

import type { Config } from '../../config/schema.ts';
import { type Environment, mailServer } from '../configured/drivers.ts';
import { policyOf } from '../configured/site-policy.ts';
import { copyState, openTable } from '../configured/stores.ts';
import type { SessionCutter } from '../reconcile/driver-interfaces.ts';
import { withdrawStale } from '../reconcile/first-phase.ts';
import { openGate } from '../reconcile/login-turns.ts';
import { type Result, reconcileMailbox } from '../reconcile/mailbox.ts';
import { recordedCutter, recordedPublisher, recordedServer } from '../reconcile/recording.ts';
import { rehearsedPublisher, rehearsedServer } from '../reconcile/rehearsal.ts';
import type { Site } from '../reconcile/site.ts';
import type { Step } from '../reconcile/steps.ts';
import { guard } from '../safeguards/guard.ts';
import { setPaused } from '../safeguards/pause.ts';
import { isFromThePast } from '../safeguards/table-from-the-past.ts';
import { setWithdrawn } from '../safeguards/withdrawn.ts';
import { dataFiles } from '../store/files/data-files.ts';
import { openSenderMap, senderMapExists } from '../store/published/sender-map.ts';
import { fact, openClock } from '../store/state/facts.ts';
import { everyMailbox, unknownAmong } from '../store/state/swept-mailboxes.ts';
import { countHeld, type SyncOptions } from './sync.ts';

export interface Rehearsal {
  readonly steps: readonly Step[];
  readonly results: readonly Result[];
  readonly held: number;
}

const NO_CUTTER: SessionCutter = { cut: async () => ({ before: 0, toSee: '', ended: async () => true }) };

/** The steps that `syncOnce` would perform now; `withdrawn`: if all were withdrawn. Reads the server, writes nothing. */
export async function rehearse(
  config: Config,
  env: Environment,
  options: SyncOptions & { readonly withdrawn?: boolean },
): Promise<Rehearsal> {
  const files = dataFiles(config.dataDir);
  const table = await openTable(config, { readonly: true });
  const state = await copyState(config);
  await setPaused(state, undefined); // in the copy: what would be done if it weren't
  if (options.withdrawn === true) await setWithdrawn(state, { since: new Date().toISOString(), quiet: true });
  const map =
    config.senderRules !== undefined && senderMapExists(files.senderDirectory)
      ? openSenderMap(files.senderDirectory, { readonly: true })
      : undefined;
  try {
    const steps: Step[] = [];
    const onStep = (step: Step) => void steps.push(step);
    const inherits = await fact(state, 'inherits');
    const ownersList = (await fact(state, 'subscriptions-kept-by')) === 'owner';
    const known = { inherits: inherits === 'yes', ownersList };
    const site: Site = {
      table,
      state,
      server: recordedServer(rehearsedServer(mailServer(config, env), known), onStep),
      senders:
        config.senderRules === undefined
          ? undefined
          : recordedPublisher(
              rehearsedPublisher(map ?? { rules: () => [], othersAt: () => [], mailboxIds: () => [] }),
              onStep,
            ),
      cutter: config.sessions === undefined ? undefined : recordedCutter(NO_CUTTER, onStep),
      clock: await openClock(state),
      audit: async () => {},
      acts: () => [],
      hasActed: () => false,
      gate: openGate(),
      noticeRules: undefined,
      stopping: () => false,
      policy: {
        ...policyOf(config),
        autoSubscribe: config.subscriptions.autoSubscribe,
        cutAtGrant: config.sessions?.onGrant === 'cut',
        onDrift: config.reconcile.onDrift,
      },
    };
    const report = await guard(table, state, config.guard);
    const held = options.force ? new Map<number, ReadonlySet<string>>() : report.held;
    const mayGive = (await fact(state, 'restored')) !== 'held' && !(await isFromThePast(table, state)); // changed rules: the pass asks
    const results: Result[] = [];
    const ids = options.mailboxIds ?? (await everyMailbox(table, state));
    if (options.mailboxIds === undefined) await withdrawStale(site.senders, (some) => unknownAmong(table, state, some));
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
