/** /metrics: what was counted as it happened, and what is counted in the databases, at a scrape where the last count is too old. */
import type { Logger } from 'pino';
import { failureOf } from '../shared/failure.ts';
import { atMost } from '../shared/portions.ts';
import type { Known } from './contact.ts';
import { type Counted, countAll, loopFigures } from './counted.ts';
import { countPasses, type Passes } from './passes.ts';
import { type Figure, openFigures } from './registry.ts';
import type { Sight } from './sight.ts';

/** A count is as old as this at least before there is another, and ten times as old as it took. */
const COUNT_AGAIN_MS = 5000;
const SHARE = 10;

/** How long a scrape waits for a count: a small table's. A large one's goes on, and the next scrape has it. */
const WAIT_MS = 500;

/** What was printed so lately is said once more. */
const PRINTED_MS = 500;

export interface Scraped {
  readonly type: string;
  readonly text: string;
}

export interface Metrics {
  readonly passes: Passes;
  scrape(now: Now): Promise<Scraped>;
}

/** What is known beside the databases at the time of a scrape. */
export interface Now {
  /** Undefined while nothing is open. */
  readonly sight: Sight | undefined;
  readonly imap: Known | undefined;
  readonly ready: boolean;
  readonly standsBy: boolean;
  readonly version: string;
}

export function openMetrics(log: Logger): Metrics {
  const figures = openFigures();
  const failed = (error: unknown) =>
    log.debug({ reason: failureOf(error).message }, 'a figure for /metrics could not be read');
  const count = counting(failed);
  let printed: { readonly at: number; readonly what: Promise<Scraped> } | undefined;

  const scrape = async (now: Now): Promise<Scraped> => {
    const counted = now.sight === undefined ? undefined : await count(now.sight);
    figures.set([...known(now), ...(counted === undefined ? [] : aged(counted))]);
    return figures.print();
  };
  return {
    passes: countPasses(figures, failed),
    scrape: (now) => {
      const at = performance.now();
      if (printed === undefined || at - printed.at > PRINTED_MS) printed = { at, what: scrape(now) };
      return printed.what;
    },
  };
}

interface Aged extends Counted {
  /** performance.now() when the count ended. */
  readonly at: number;
}

/** The last count, or the next one where it comes soon. */
function counting(failed: (error: unknown) => void) {
  let last: (Aged & { readonly of: Sight; readonly tookMs: number }) | undefined;
  let running: Promise<void> | undefined;
  return async (sight: Sight): Promise<Aged | undefined> => {
    const fresh =
      last !== undefined &&
      performance.now() - last.at < Math.max(COUNT_AGAIN_MS, SHARE * last.tookMs) &&
      last.of === sight;
    if (!fresh) {
      const began = performance.now();
      running ??= countAll(sight, new Date().toISOString())
        .then((counted) => {
          const at = performance.now();
          last = { ...counted, at, of: sight, tookMs: at - began };
        })
        .catch(failed)
        .finally(() => {
          running = undefined;
        });
      await atMost(WAIT_MS, running);
    }
    return last;
  };
}

function aged({ figures, oldestChange, at }: Aged): readonly Figure[] {
  const ageMs = oldestChange === undefined ? 0 : Date.now() - oldestChange;
  return [
    ...figures,
    { name: 'mandat_oldest_change_age_seconds', value: Math.max(0, ageMs) / 1000 },
    { name: 'mandat_figures_age_seconds', value: (performance.now() - at) / 1000 },
  ];
}

function known({ sight, imap, ready, standsBy, version }: Now): readonly Figure[] {
  return [
    { name: 'mandat_build_info', labels: { version }, value: 1 },
    { name: 'mandat_ready', value: Number(ready) },
    { name: 'mandat_standing_by', value: Number(standsBy) },
    ...(imap === undefined
      ? []
      : ([
          { name: 'mandat_imap_up', value: Number(imap.up) },
          { name: 'mandat_imap_login_refused', value: Number(imap.refused) },
          { name: 'mandat_imap_seen_timestamp_seconds', value: imap.at / 1000 },
        ] as const)),
    ...(sight === undefined ? [] : [...queued(sight), ...database(sight), ...loopFigures('sidecar', sight.loop())]),
  ];
}

function database({ database: seen }: Sight): readonly Figure[] {
  const of = seen?.();
  if (of === undefined) return [];
  return [
    { name: 'mandat_database_up', value: Number(of.up) },
    { name: 'mandat_database_losses_total', value: of.losses },
  ];
}

function queued({ sizes }: Sight): readonly Figure[] {
  const { queued: waiting, inHand, retrying } = sizes();
  const urgencies = Object.entries(waiting).map(
    ([urgency, value]) => ({ name: 'mandat_queue_mailboxes', labels: { urgency }, value }) as const,
  );
  const kinds = Object.entries(retrying).map(
    ([kind, value]) => ({ name: 'mandat_retries_waiting', labels: { kind }, value }) as const,
  );
  return [...urgencies, ...kinds, { name: 'mandat_passes_in_hand', value: inHand }];
}
