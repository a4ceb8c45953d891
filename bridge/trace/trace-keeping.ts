/**
 * The sidecar's side of the trace (tracing.ts is the thread's): what it is started with, what of its files the audit trail is told, and how it goes,
 * for the log and `mandat status`. Nothing of it keeps a pass waiting.
 */
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { writtenName } from '../imap/folder-name.ts';
import type { SharedNaming } from '../imap/shared-naming.ts';
import type { Site } from '../reconcile/site.ts';
import { failureOf } from '../shared/failure.ts';
import { jsonFact, setJsonFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { deleteLeftMonths } from './left-months.ts';
import type { MonthNote, TraceCounts, TraceSettings } from './tracing.ts';
import { type Naming, SHIPPED_NAMING } from './whose-folder.ts';

/** How the trace goes, in state.db. */
export interface TraceState {
  /** Why nothing can be written; null where it can. */
  readonly trouble: string | null;
  /** Since when that is so, or was last so; null: never. */
  readonly since: string | null;
  /** Events that found no place since the sidecar started. */
  readonly lost: number;
}

export async function traceState(state: Pick<StateDb, 'query'>): Promise<TraceState | undefined> {
  return jsonFact<TraceState>(state, 'trace');
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
  readonly config: Pick<Config, 'dataDir' | 'trace' | 'imap'>;
  readonly site: Pick<Site, 'state' | 'audit' | 'clock'>;
  readonly log: Logger;
}

/** What has been told of the trace's files to the audit trail. */
interface Told {
  readonly files: readonly string[];
}

export async function openTraceKeeper({ config, site, log }: TraceKeeperOptions): Promise<TraceKeeper> {
  const { state, audit, clock } = site;
  const spaces = new Map((await knownNaming(state)).map((one) => [one.prefix, one]));
  const naming = () => namingOf([...spaces.values()]);
  let last: TraceState | undefined;
  let notes = Promise.resolve();
  const save = (name: 'trace' | 'shared-naming', value: object) =>
    void setJsonFact(state, name, value).catch((error: unknown) =>
      log.warn({ reason: failureOf(error).message }, 'how the trace of access goes could not be noted'),
    );
  const noteMonth = async (what: MonthNote) => {
    const told = (await jsonFact<Told>(state, 'trace-months'))?.files ?? [];
    const line = { mailbox: null, onBehalf: null, delegate: null };
    if (what.kind === 'deleted') {
      const { file, accesses } = what;
      await audit([{ action: 'trace-month-deleted', ...line, detail: { file, accesses } }]);
      await setJsonFact(state, 'trace-months', { files: told.filter((one) => one !== file) } satisfies Told);
      log.info({ file, accesses }, 'a month of the trace was kept for long enough, and is deleted');
      return;
    }
    const begun = what.files.filter((file) => !told.includes(file));
    if (begun.length === 0) return;
    await audit(begun.map((file) => ({ action: 'trace-month-begun' as const, ...line, detail: { file } })));
    await setJsonFact(state, 'trace-months', { files: [...told, ...begun] } satisfies Told);
  };
  // One after the other: each goes by what the one before has left.
  const note = (what: MonthNote) => {
    const noted = notes.then(() => noteMonth(what));
    notes = noted.catch(() => {});
    return noted;
  };
  return {
    settings: () => ({
      dataDir: config.dataDir,
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
    counted: ({ trouble, lost }) => {
      if (trouble === (last?.trouble ?? null) && lost === (last?.lost ?? 0)) {
        if (last === undefined) save('trace', { trouble: null, since: null, lost: 0 } satisfies TraceState);
        last ??= { trouble: null, since: null, lost: 0 };
        return;
      }
      const before = last;
      const since = trouble === null || before?.trouble != null ? (before?.since ?? null) : clock.now();
      last = { trouble, since, lost };
      save('trace', last);
      if (trouble !== null && trouble !== before?.trouble) log.error({ trouble }, 'the trace of access is in trouble');
      if (trouble === null && before?.trouble != null) log.info('the trace of access is kept again');
      if (lost > (before?.lost ?? 0)) {
        log.error(
          { lost: lost - (before?.lost ?? 0) },
          'events found no place in the trace of access, and are lost to it',
        );
      }
    },
    learn: (found) => {
      spaces.set(found.prefix, found);
      save('shared-naming', [...spaces.values()]);
      return naming();
    },
  };
}

/** As it was learnt last, before a restart too. */
async function knownNaming(state: Pick<StateDb, 'query'>): Promise<readonly SharedNaming[]> {
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
