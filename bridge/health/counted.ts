/** What is counted in the databases, in portions. */
import { statSync } from 'node:fs';
import { sql } from 'kysely';
import type { Instant } from '../../acl/delegation-facts.ts';
import { existingSubmissionStore } from '../configured/stores.ts';
import { correspondenceStatus } from '../directory/correspondence.ts';
import { directoryStatus } from '../directory/search.ts';
import { whiteListFile } from '../directory/white-list.ts';
import { eventsSeenBy } from '../events/events-seen.ts';
import { portalSeen } from '../questions/portal-figures.ts';
import { ADOPTING, adoptingFrom, foreignState } from '../safeguards/foreign-state.ts';
import { paused } from '../safeguards/pause.ts';
import { withdrawn } from '../safeguards/withdrawn.ts';
import type { FailureCode } from '../shared/failure.ts';
import { overdueNoted } from '../sidecar/overdue.ts';
import { lastProof } from '../sidecar/trail-upkeep.ts';
import { dataFiles } from '../store/files/data-files.ts';
import { fact } from '../store/state/facts.ts';
import { outcomeOf } from '../store/state/outcomes.ts';
import { changedAfter } from '../store/table/rows.ts';
import { answersOf, filtersSeen } from '../submission/last-filter.ts';
import { COPY_EXPECTED_MS } from '../submission/missing-copies.ts';
import { countDelegations } from './delegations.ts';
import { committedAt } from './latency.ts';
import { type Breathe, breather, countRows, countUpTo, MOST, pages } from './portions.ts';
import type { Figure } from './registry.ts';
import type { Sight } from './sight.ts';
import { traceFigures } from './trace-figures.ts';

/** When the oldest change was committed that isn't verified; ms since 1970. Its age is told at each scrape anew. */
export interface Counted {
  readonly figures: readonly Figure[];
  readonly oldestChange: number | undefined;
}

export async function countAll(sight: Sight, now: Instant): Promise<Counted> {
  const breathe = breather();
  const { table, state } = sight;
  const figures: Figure[] = [
    { name: 'mandat_mailboxes', value: await countRows(table.query, 'mailboxes', 'id', breathe) },
    ...(await countDelegations(sight, now, breathe)),
    { name: 'mandat_pending_mailboxes', value: await countRows(table.query, 'pending', 'mailbox_id', breathe) },
    ...(await failing(sight, breathe)),
    { name: 'mandat_late_mailboxes', value: (await overdueNoted(state)).length },
    ...(await outbox(sight, breathe)),
    ...(await copies(sight, now)),
    ...directories(sight),
    { name: 'mandat_credentials_ending_soon', value: await endingSoon(sight, now, breathe) },
    ...(await trail(sight)),
    ...(await traceFigures(sight)),
    { name: 'mandat_other_entries', value: await countUpTo(state.query, sql`SELECT 1 FROM other_entries`) },
    ...(await filter(sight)),
    ...(await portal(sight, now)),
    { name: 'mandat_sweep_interval_seconds', value: sight.config().schedule.sweepIntervalMinutes * 60 },
    ...(await events(sight)),
  ];
  return { figures, oldestChange: await oldestChange(sight, breathe) };
}

const CODES: readonly FailureCode[] = ['retry', 'refused', 'absent', 'config', 'unsafe', 'internal'];

async function failing(sight: Sight, breathe: Breathe): Promise<readonly Figure[]> {
  const { table, state } = sight;
  const counts = new Map<string, number>(CODES.map((code) => [code, 0]));
  let held = 0;
  let left = 0;
  interface Row {
    readonly id: number;
    readonly code: string | null;
    readonly held: number;
    readonly left: number;
  }
  const portion = (after: number) => sql<Row>`
    SELECT mailbox_id AS id, code, notices LIKE '%"code":"held"%' AS held,
      notices LIKE '%"code":"drift-reported"%' OR notices LIKE '%"code":"repaired-too-often"%' AS "left" FROM outcomes
    WHERE server = ${state.server} AND mailbox_id > ${after} ORDER BY mailbox_id LIMIT 500`;
  for await (const rows of pages(state.query, portion, breathe, 500))
    for (const { code, held: isHeld, left: isLeft } of rows) {
      if (code !== null) counts.set(code, (counts.get(code) ?? 0) + 1);
      held += isHeld;
      left += isLeft;
    }
  const foreign =
    (await foreignState(table, state)) ?? ((await adoptingFrom(state)) === undefined ? undefined : ADOPTING);
  const restraints = {
    guard: held > 0,
    paused: (await paused(state)) !== undefined,
    withdrawn: (await withdrawn(state)) !== undefined,
    restored: (await fact(state, 'restored')) === 'held',
    'rules-changed': (await table.differences()).length > 0,
    'foreign-state': foreign !== undefined,
  };
  return [
    ...[...counts].map(([code, value]) => ({ name: 'mandat_failing_mailboxes', labels: { code }, value }) as const),
    { name: 'mandat_drift_left_mailboxes', value: left },
    ...Object.entries(restraints).map(
      ([by, does]) => ({ name: 'mandat_restrained', labels: { by }, value: Number(does) }) as const,
    ),
  ];
}

async function outbox({ state }: Sight, breathe: Breathe): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const one of ['waiting', 'sending', 'failed', 'no-address'] as const) {
    const value = await countUpTo(state.query, sql`SELECT 1 FROM outbox WHERE state = ${one}`);
    figures.push({ name: 'mandat_outbox_notices', labels: { state: one }, value });
    await breathe();
  }
  return figures;
}

async function copies(sight: Sight, now: Instant): Promise<readonly Figure[]> {
  const config = sight.config();
  if (config.submission === undefined) return [];
  const store = await existingSubmissionStore(config);
  try {
    const expected = new Date(Date.parse(now) - COPY_EXPECTED_MS).toISOString();
    const missing = (await store?.countMissing(expected, MOST)) ?? { waiting: 0, failed: 0 };
    return Object.entries(missing).map(([state, value]) => ({
      name: 'mandat_copies_missing',
      labels: { state },
      value,
    }));
  } finally {
    store?.close();
  }
}

/** A list that was never imported has no instant. */
function directories(sight: Sight): readonly Figure[] {
  const { privateDirectory } = dataFiles(sight.config().dataDir);
  const imported = {
    directory: directoryStatus(privateDirectory)?.imported,
    correspondence: correspondenceStatus(privateDirectory)?.imported,
    'white-list': statSync(whiteListFile(privateDirectory), { throwIfNoEntry: false })?.mtime.toISOString(), // swapped whole at each import
  };
  return Object.entries(imported).flatMap(([list, at]) =>
    at === undefined
      ? []
      : [{ name: 'mandat_directory_imported_timestamp_seconds', labels: { list }, value: Date.parse(at) / 1000 }],
  );
}

const SOON_DAYS = 14;

async function endingSoon({ table }: Sight, now: Instant, breathe: Breathe): Promise<number> {
  const until = new Date(Date.parse(now) + SOON_DAYS * 86_400_000).toISOString();
  let count = 0;
  for (let [at, id] = [now, 0]; ; await breathe()) {
    const { rows } = await sql<{ readonly id: number; readonly at: string; readonly has: number }>`
      SELECT id, credential_valid_until AS at, EXISTS (SELECT 1 FROM delegations AS g WHERE g.delegate_id = d.id) AS has
      FROM delegates AS d WHERE credential_valid_until >= ${at} AND (credential_valid_until, id) > (${at}, ${id})
        AND credential_valid_until <= ${until} ORDER BY credential_valid_until, id LIMIT 500`.execute(table.query);
    for (const { has } of rows) count += has;
    const last = rows.at(-1);
    if (last === undefined || rows.length < 500) return count;
    [at, id] = [last.at, last.id];
  }
}

async function trail({ table, state }: Sight): Promise<readonly Figure[]> {
  const { rows } = await sql<{ readonly last: number | null }>`SELECT max(id) AS last FROM audit`.execute(state.query);
  const swept = await fact(state, 'sweep');
  const drained = Number((await fact(state, 'drained')) ?? 0);
  return [
    { name: 'mandat_audit_head', value: rows[0]?.last ?? 0 },
    {
      name: 'mandat_audit_unsealed_events',
      value: await countUpTo(table.query, sql`SELECT 1 FROM events WHERE id > ${drained}`),
    },
    { name: 'mandat_audit_broken', value: Number(((await lastProof(state))?.broken ?? null) !== null) },
    ...(swept === undefined
      ? []
      : [{ name: 'mandat_sweep_completed_timestamp_seconds', value: Date.parse(swept) / 1000 } as const]),
  ];
}

/** The filter is a process of its own, the sidecar's or a unit's: what it has noted of itself. Of several, wherever they run, each has its label. */
async function filter({ state, config }: Sight): Promise<readonly Figure[]> {
  if (config().submission === undefined) return [];
  const seen = await filtersSeen(state, config());
  if (seen.length === 0) return [{ name: 'mandat_filter_up', value: 0 }];
  const figures: Figure[] = [];
  for (const one of seen) {
    const filter = one.name === '' ? {} : { filter: one.name };
    figures.push({ name: 'mandat_filter_up', labels: filter, value: Number(one.runs) });
    for (const [answer, value] of Object.entries(await answersOf(state, one.name || undefined, one)))
      figures.push({ name: 'mandat_messages_total', labels: { ...filter, answer }, value });
    if (one.runs && one.loop !== null) figures.push(...loopFigures('filter', one.loop, filter));
  }
  return figures;
}

/** A process of its own, too. */
async function portal({ state, config }: Sight, now: Instant): Promise<readonly Figure[]> {
  if (config().portal === undefined) return [];
  const seen = await portalSeen(state, new Date(now));
  if (seen === undefined) return [{ name: 'mandat_portal_up', value: 0 }];
  const requests = Object.entries(seen.requests).flatMap(([route, counts]) =>
    Object.entries(counts).map(
      ([status, value]) => ({ name: 'mandat_portal_requests_total', labels: { route, status }, value }) as const,
    ),
  );
  const signIns = Object.entries(seen.signIns).map(
    ([outcome, value]) => ({ name: 'mandat_portal_sign_ins_total', labels: { outcome }, value }) as const,
  );
  return [
    { name: 'mandat_portal_up', value: 1 },
    { name: 'mandat_portal_sessions', value: seen.sessions },
    ...requests,
    ...signIns,
  ];
}

/** Of this process, as it has noted it a moment ago. */
async function events({ state, config }: Sight): Promise<readonly Figure[]> {
  if (config().events === undefined) return [];
  const seen = await eventsSeenBy(state, process.pid);
  if (seen === undefined) return [{ name: 'mandat_events_up', value: 0 }];
  const { events: taken, malformed, unauthorised, refused } = seen;
  return [
    { name: 'mandat_events_up', value: Number(seen.listening) },
    ...Object.entries({ taken, malformed, unauthorised, refused }).map(
      ([outcome, value]) => ({ name: 'mandat_events_total', labels: { outcome }, value }) as const,
    ),
    { name: 'mandat_event_hints_dropped_total', value: seen.dropped },
    { name: 'mandat_event_looks_total', value: seen.looks },
    ...(seen.lastAt === 0 ? [] : [{ name: 'mandat_event_seen_timestamp_seconds', value: seen.lastAt / 1000 } as const]),
  ];
}

export function loopFigures(
  process: 'sidecar' | 'filter',
  { minuteMs, hourMs, longestMs }: { readonly minuteMs: number; readonly hourMs: number; readonly longestMs: number },
  which: { readonly filter?: string } = {},
): readonly Figure[] {
  const spans = { minute: minuteMs, hour: hourMs, ever: longestMs };
  return Object.entries(spans).map(([span, ms]) => ({
    name: 'mandat_event_loop_hold_seconds',
    labels: { process, span, ...which },
    value: ms / 1000,
  }));
}

/** Among so many that were touched longest ago. */
const LOOKED_AT = 200;

async function oldestChange({ table, state }: Sight, breathe: Breathe): Promise<number | undefined> {
  let oldest: string | undefined;
  for (const { mailboxId } of await changedAfter(table, { version: 0, mailboxId: 0 }, LOOKED_AT)) {
    const outcome = await outcomeOf(state, mailboxId);
    const { rows } = await sql<{
      readonly address: string;
    }>`SELECT address FROM mailboxes WHERE id = ${mailboxId}`.execute(table.query);
    const address = rows[0]?.address ?? outcome?.address;
    const at = address && (await committedAt(table, state, { mailboxId, address, after: outcome?.verifiedAt ?? null }));
    if (at && (oldest === undefined || at < oldest)) oldest = at;
    await breathe();
  }
  return oldest === undefined ? undefined : Date.parse(oldest);
}
