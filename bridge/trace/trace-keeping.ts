/**
 * The sidecar's side of the trace (tracing.ts is the thread's): what it is started with, what of its files the audit trail is told, and how it goes,
 * for the log and `mandat status`. Nothing of it keeps a pass waiting.
 */
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Placed } from '../configured/stores.ts';
import { writtenName } from '../imap/folder-name.ts';
import type { SharedNaming } from '../imap/shared-naming.ts';
import type { Site } from '../reconcile/site.ts';
import { failureOf } from '../shared/failure.ts';
import { jsonFact, setJsonFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { deleteLeftMonths } from './left-months.ts';
import { noteToldMonths, toldMonths } from './told-months.ts';
import type { MonthNote, TraceCounts, TraceSettings } from './tracing.ts';
import { type Naming, SHIPPED_NAMING } from './whose-folder.ts';

/** How the trace goes, in state.db. */
export interface TraceState {
  /** Why nothing can be written; null where it can. */
  readonly trouble: string | null;
  /** Since when that is so, or was last so; null: never. */
  readonly since: string | null;
  /** Since the sidecar started: accesses that were written, events that found no place. */
  readonly kept: number;
  readonly lost: number;
  /** Events that wait to be written. */
  readonly waiting: number;
  /** When an access was written last, also before a restart; null: never. */
  readonly lastAt: string | null;
  /** Events that are missing, and from when on, as long as it isn't in the audit trail. */
  readonly gap: { readonly lost: number; readonly from: string } | null;
}

const NONE: TraceState = { trouble: null, since: null, kept: 0, lost: 0, waiting: 0, lastAt: null, gap: null };

/** So often at most, where nothing is wrong. */
const NOTE_MS = 5000;

/** Undefined where there never was a trace. */
export async function traceState(state: Pick<StateDb, 'query' | 'server'>): Promise<TraceState | undefined> {
  const noted = await jsonFact<Partial<TraceState>>(state, 'trace');
  return noted && { ...NONE, ...noted };
}

export interface TraceKeeper {
  settings(): TraceSettings;
  note(what: MonthNote): Promise<void>;
  counted(counts: TraceCounts): void;
  /** Where nothing is traced any more: months that were kept for long enough go. */
  deleteLeft(): void;
  /** The naming as it is now. */
  learn(naming: SharedNaming): Naming;
}

export interface TraceKeeperOptions {
  readonly config: Placed & Pick<Config, 'trace' | 'imap'>;
  readonly site: Pick<Site, 'state' | 'audit' | 'clock'>;
  readonly log: Logger;
}

export async function openTraceKeeper({ config, site, log }: TraceKeeperOptions): Promise<TraceKeeper> {
  const { state, audit, clock } = site;
  const spaces = new Map((await knownNaming(state)).map((one) => [one.prefix, one]));
  const naming = () => namingOf([...spaces.values()]);
  const before = await traceState(state);
  /** What was missing before a restart is told with what is missing now. */
  let last: TraceState = {
    ...NONE,
    since: before?.since ?? null,
    lastAt: before?.lastAt ?? null,
    gap: before?.gap ?? null,
  };
  let savedAt = Number.NEGATIVE_INFINITY;
  let saved = '';
  let telling = false;
  let notes = Promise.resolve();
  const save = (name: 'trace' | 'shared-naming', value: object) =>
    void setJsonFact(state, name, value).catch((error: unknown) =>
      log.warn({ reason: failureOf(error).message }, 'how the trace of access goes could not be noted'),
    );
  const noteMonth = async (what: MonthNote) => {
    const told = await toldMonths(state);
    const line = { mailbox: null, onBehalf: null, delegate: null };
    if (what.kind === 'deleted') {
      const { file, accesses } = what;
      await audit([{ action: 'trace-month-deleted', ...line, detail: { file, accesses } }]);
      await noteToldMonths(
        state,
        told.filter((one) => one !== file),
      );
      log.info({ file, accesses }, 'a month of the trace was kept for long enough, and is deleted');
      return;
    }
    const begun = what.files.filter((file) => !told.includes(file));
    if (begun.length === 0) return;
    await audit(begun.map((file) => ({ action: 'trace-month-begun' as const, ...line, detail: { file } })));
    await noteToldMonths(state, [...told, ...begun]);
  };
  // One after the other: each goes by what the one before has left.
  const note = (what: MonthNote) => {
    const noted = notes.then(() => noteMonth(what));
    notes = noted.catch(() => {});
    return noted;
  };
  /** Once no more are lost: that, how many and when they were is all that can be said of them. */
  const tellGap = () => {
    const { gap } = last;
    if (gap === null || telling) return;
    telling = true;
    const line = { mailbox: null, onBehalf: null, delegate: null };
    const detail = { lost: gap.lost, from: gap.from, to: clock.now() };
    audit([{ action: 'trace-gap', ...line, detail }])
      .then(() => {
        last = { ...last, gap: last.gap === gap ? null : last.gap };
        save('trace', last);
      })
      .catch((error: unknown) =>
        log.warn({ reason: failureOf(error).message }, 'a gap of the trace of access could not be noted'),
      )
      .finally(() => {
        telling = false;
      });
  };
  return {
    settings: () => ({
      placed: placeOf(config),
      keepMonths: config.trace.keepMonths,
      looks: config.trace.looks,
      adminUser: config.imap.adminUser,
      naming: naming(),
    }),
    note,
    deleteLeft: () =>
      void deleteLeftMonths(config.dataDir, config.trace.keepMonths, (gone) =>
        note({ kind: 'deleted', ...gone }),
      ).catch((error: unknown) => {
        log.error({ reason: failureOf(error).message }, 'old months of the trace of access can not be deleted');
      }),
    counted: (counts) => {
      const was = last;
      last = stateAfter(was, counts, clock.now());
      const { trouble, lost } = last;
      const isNews = trouble !== was.trouble || lost !== was.lost;
      if (isNews || (performance.now() - savedAt > NOTE_MS && JSON.stringify(last) !== saved)) {
        savedAt = performance.now();
        saved = JSON.stringify(last);
        save('trace', last);
      }
      if (trouble !== null && trouble !== was.trouble) log.error({ trouble }, 'the trace of access is in trouble');
      if (trouble === null && was.trouble !== null) log.info('the trace of access is kept again');
      if (lost > was.lost) {
        log.error({ lost: lost - was.lost }, 'events found no place in the trace of access, and are lost to it');
      }
      if (trouble === null && last.gap !== null && lost === was.lost) tellGap();
    },
    learn: (found) => {
      spaces.set(found.prefix, found);
      save('shared-naming', [...spaces.values()]);
      return naming();
    },
  };
}

/** For another thread: what is said of the databases, and nothing else. */
const placeOf = ({ dataDir, database, databasePasswordFile, databaseCaFile, server }: Placed): Placed => ({
  dataDir,
  database,
  databasePasswordFile,
  databaseCaFile,
  server,
});

/** Pure. `was.lost` and `counts.lost` begin anew with the thread. */
export function stateAfter(was: TraceState, counts: TraceCounts, now: string): TraceState {
  const { trouble, kept, lost, waiting } = counts;
  const more = lost < was.lost ? lost : lost - was.lost;
  return {
    trouble,
    since: trouble === null || was.trouble !== null ? was.since : now,
    kept,
    lost,
    waiting,
    lastAt: counts.lastAt === 0 ? was.lastAt : new Date(counts.lastAt).toISOString(),
    gap: more === 0 ? was.gap : { lost: (was.gap?.lost ?? 0) + more, from: was.gap?.from ?? was.since ?? now },
  };
}

/** As it was learnt last, before a restart too. */
async function knownNaming(state: Pick<StateDb, 'query' | 'server'>): Promise<readonly SharedNaming[]> {
  return (await jsonFact<readonly SharedNaming[]>(state, 'shared-naming')) ?? [];
}

/** The shipped one where nothing was learnt. Names of events are in UTF-8. */
export function namingOf(spaces: readonly SharedNaming[]): Naming {
  const own = spaces.at(-1)?.own;
  if (own === undefined) return SHIPPED_NAMING;
  return {
    own: { ...own, prefix: writtenName(own.prefix) },
    others: spaces.map(({ prefix, delimiter, pattern }) => ({ prefix: writtenName(prefix), delimiter, pattern })),
  };
}
