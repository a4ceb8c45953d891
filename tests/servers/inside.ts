/**
 * The sidecar and its passes in the process of the test: the same wiring as `mandat run` and `mandat sync`, without the second
 * that a new process takes. What a process alone can show (signals, exit statuses, texts) is tested through the command line.
 */
import { pino } from 'pino';
import { mailServer } from '../../bridge/configured/drivers.ts';
import { policyOf } from '../../bridge/configured/site-policy.ts';
import { openState, openTable } from '../../bridge/configured/stores.ts';
import { type Difference, verifyMailbox } from '../../bridge/questions/verify.ts';
import type { Step } from '../../bridge/reconcile/steps.ts';
import { type Rehearsal, rehearse } from '../../bridge/sidecar/dry-run.ts';
import { type Sidecar, startSidecar } from '../../bridge/sidecar/sidecar.ts';
import { type SyncReport, syncOnce } from '../../bridge/sidecar/sync.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { openSenderMap } from '../../bridge/store/published/sender-map.ts';
import { mailboxIds } from '../../bridge/store/table/rows.ts';
import { waitFor, within } from '../../config/lab/wait.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import type { Ground, Site } from './site.ts';

/** A log line, with the instant at which it was written as `when`. */
export type Line = Readonly<Record<string, unknown>>;

export interface Synced extends SyncReport {
  readonly steps: readonly Step[];
  /** `code: message` of each mailbox that failed. */
  readonly failures: readonly string[];
  /** `code` and message of each notice. */
  readonly notices: readonly string[];
}

export interface Inside {
  readonly sidecar: Sidecar;
  log(): readonly Line[];
  /** Resolves when its first sweep is done, so that what comes next is not that sweep's work. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** A pass over the few mailboxes of a test, and the end of a sidecar that is in the middle of one. */
const LIMIT_MS = 120_000;

const STEPS = ['set-entry', 'delete-entry', 'publish', 'withdraw', 'cut', 'subscribe', 'unsubscribe'];

function recorder() {
  const lines: Line[] = [];
  const logger = pino(
    { level: 'debug', base: null, timestamp: false },
    { write: (line: string) => void lines.push({ ...(JSON.parse(line) as Line), when: new Date().toISOString() }) },
  );
  return { lines, logger };
}

/** The last of it, for an error. */
const text = (lines: readonly Line[]) =>
  lines
    .slice(-30)
    .map((line) => JSON.stringify(line))
    .join('\n');

/** The steps that the log tells of, as the dry run prints them. */
export function stepsIn(lines: readonly Line[]): readonly Step[] {
  return lines
    .filter(({ msg }) => STEPS.includes(String(msg)))
    .map(({ msg, level: _, when: __, ...facts }) => ({ kind: msg, ...facts }) as unknown as Step);
}

export function configOf(site: Site<Ground>): Config {
  return loadConfig({ path: site.configFile, env: {}, cwd: site.lab.directory });
}

/** `mandat sync`. */
export async function sync(site: Site<Ground>, options: { readonly force?: boolean } = {}): Promise<Synced> {
  const { lines, logger } = recorder();
  const syncing = syncOnce(configOf(site), {}, logger, { force: options.force ?? false, actor: 'test' });
  const report = await within('the end of a sync', LIMIT_MS, syncing, () => text(lines));
  return { ...report, steps: stepsIn(lines), ...told(report) };
}

/** `mandat sync --dry-run`. */
export async function dryRun(
  site: Site<Ground>,
  options: { readonly force?: boolean } = {},
): Promise<Rehearsal & Pick<Synced, 'failures' | 'notices'>> {
  const rehearsing = rehearse(configOf(site), {}, { force: options.force ?? false, actor: 'test' });
  const rehearsal = await within('the end of a dry run', LIMIT_MS, rehearsing);
  return { ...rehearsal, ...told(rehearsal) };
}

function told({ results }: Pick<SyncReport, 'results'>): Pick<Synced, 'failures' | 'notices'> {
  return {
    failures: results.flatMap((one) =>
      one.kind === 'failed' ? [`${one.address}: ${one.failure.code}: ${one.failure.message}`] : [],
    ),
    notices: results.flatMap((one) =>
      one.kind === 'verified' ? one.notices.map(({ code, message }) => `${code}: ${message}`) : [],
    ),
  };
}

/** `mandat run`. */
export async function runInside(site: Site<Ground>): Promise<Inside> {
  const { lines, logger } = recorder();
  const starting = startSidecar(configOf(site), {}, logger);
  const sidecar = await within('the start of a sidecar', LIMIT_MS, starting, () => text(lines));
  let stopped: Promise<void> | undefined;
  return {
    sidecar,
    log: () => lines,
    idle: async () => {
      await waitFor(
        'the first sweep',
        20_000,
        () => lines.some(({ msg }) => msg === 'sweep done'),
        () => text(lines),
      );
    },
    stop: () => {
      stopped ??= within('the end of a sidecar', LIMIT_MS, sidecar.stop(), () => text(lines));
      return stopped;
    },
  };
}

/** `mandat verify`: the differences, one text each. */
export async function verify(site: Site<Ground>): Promise<string[]> {
  const config = configOf(site);
  const files = dataFiles(config.dataDir);
  const table = await openTable(config, { readonly: true });
  const state = await openState(config, { readonly: true });
  const senders =
    config.senderRules === undefined ? undefined : openSenderMap(files.senderDirectory, { readonly: true });
  try {
    const found: Difference[] = [];
    const now = new Date().toISOString();
    const here = {
      table,
      state,
      server: mailServer(config, {}),
      senders,
      policy: policyOf(config),
      now,
    };
    for (const id of await mailboxIds(table)) found.push(...(await verifyMailbox(here, id)).differences);
    return found.map(({ mailbox, login, what }) => `${mailbox}: ${login}: ${what}`);
  } finally {
    senders?.close();
    await table.close();
    await state.close();
  }
}
