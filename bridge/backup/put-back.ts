/**
 * Putting a backup back. What is in it is older than what stands on the servers, so the guard against a table from the past holds: it is obeyed where
 * it takes away, and not where it gives, until somebody accepts it (restore.ts). And what mandat has put on the servers since is looked for by
 * what it looks like, as after the loss of a state.db (adopt.ts): an entry like ours that no row gives goes.
 *
 * A kill in between is mended by doing it again: a marker keeps the sidecar from starting until then.
 */
import { closeSync, existsSync, fchmodSync, fchownSync, openSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import type { Instant } from '../../acl/delegation-facts.ts';
import { lastVersionSeen, versionOf } from '../safeguards/table-from-the-past.ts';
import { Failure } from '../shared/failure.ts';
import { portions } from '../shared/portions.ts';
import { DELEGATIONS, groupId, initialise, STATE } from '../store/databases.ts';
import { type DataFiles, SHARED_GROUP } from '../store/files/data-files.ts';
import { refuseDamaged } from '../store/files/integrity.ts';
import { takeLock } from '../store/files/lock.ts';
import { fact, setFact } from '../store/state/facts.ts';
import { setPhase } from '../store/state/ledger.ts';
import { openStateDb, type StateDb } from '../store/state/state-db.ts';
import { type DelegationDb, openDelegationDb, type Writer } from '../store/table/delegation-db.ts';
import { noteEvent } from '../store/table/events.ts';
import { mailboxIds, markPending } from '../store/table/rows.ts';
import { markWorkedOff } from '../store/table/worked-off-mark.ts';
import { headFileOf } from '../store/trail/seal-head.ts';
import { existingSealKey } from '../store/trail/sealing.ts';
import { isThere, lastFilter } from '../submission/last-filter.ts';
import { monthFiles, traceDirectory } from '../trace/trace-files.ts';
import { syncDirectory } from './copying.ts';
import {
  asidePlace,
  type InPlace,
  inPlaceNow,
  type Moved,
  moveFile,
  putAside,
  refuseOpenElsewhere,
} from './in-place.ts';
import type { Offered } from './offered.ts';
import { proven } from './take.ts';
import { monthNamed, TRACE_HEAD } from './trace-copy.ts';
import { type TraceInPlace, traceFilesIn, traceInPlace } from './trace-in-place.ts';
import { asideOfUnfinished, beginRestore, endRestore } from './unfinished.ts';

export interface PutBack {
  /** Where what was there lies now; undefined where nothing was. */
  readonly aside: string | undefined;
  /** Pairs of the backup that the state which was in place no longer had: what is left of them on the servers is taken away. */
  readonly ended: number;
  /** The version that the table has now, above any that was ever seen. */
  readonly version: number;
  /** How many entries of the trail were proven where it lies now; null where they could not be, and why. */
  readonly proven: number | null;
  readonly trailBroken: string | null;
  /**
   * Of the trace of access: `kept`, as the one in place goes on from the backup's; `put back`; `aside`: the one in place could not be proven, and the
   * backup has none; null where there is none.
   */
  readonly trace: 'kept' | 'put back' | 'aside' | null;
}

/** That nobody works on the data: fails `refused` beside a sidecar or a submission filter. Released by the answer. */
export async function aloneOn(files: DataFiles): Promise<() => void> {
  const lock = takeLock(files.lock, 'sync');
  try {
    const filter = await filterPid(files);
    if (filter !== undefined) {
      throw new Failure(
        'refused',
        `the submission filter runs on these data (process ${filter})`,
        'stop it first: systemctl stop mandat-filter',
        { rule: 'MANDAT_RUNNING' },
      );
    }
    return () => lock.release();
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Of the state that is in place, where that can be read. */
async function filterPid(files: DataFiles): Promise<number | undefined> {
  let state: StateDb | undefined;
  try {
    state = openStateDb(files.state, { readonly: existsSync(`${files.state}-wal`) });
    const last = await lastFilter(state, undefined);
    return last !== undefined && isThere(last) ? last.pid : undefined;
  } catch {
    return undefined; // damaged, or none: who has submission.db open is found by that
  } finally {
    await state?.close();
  }
}

/** Fails `config` where the table in place is another one than the backup's, and somebody's. */
export function refuseOther({ table }: InPlace, { manifest, directory }: Offered, files: DataFiles): void {
  if (table === undefined || table.empty || table.epoch === manifest.epoch) return;
  throw new Failure(
    'config',
    `the backup ${directory} is of another delegation table than ${files.delegations}: it was made of ${manifest.dataDir}`,
    `nothing was changed. If that is meant, move ${files.delegations} away first`,
    { rule: 'MANDAT_OTHER_TABLE' },
  );
}

/** With the lock in hand ({@link aloneOn}), and agreed to. What fails on the way leaves what was there in its place. */
export async function putBack(files: DataFiles, offered: Offered, writer: Writer, now: Date): Promise<PutBack> {
  const before = inPlaceNow(files);
  refuseOther(before, offered, files);
  const inPlace = await traceInPlace(files, offered.key, offered.manifest);
  const drafts = inPlace === 'goes on' ? offered.drafts.filter(({ name }) => !isOfTrace(name)) : offered.drafts;
  const killed = asideOfUnfinished(files);
  const aside = asidePlace(files, now);
  beginRestore(files, killed ?? aside);
  const moved: Moved = { aside: undefined, files: [] };
  try {
    refuseOpenElsewhere(files);
    syncDirectory(files.privateDirectory);
    const targets = drafts.map(({ target }) => target);
    const trace = inPlace === 'other' ? traceFilesIn(files) : [];
    putAside(aside, [...new Set([...targets, files.submissions, ...trace])], moved); // what the backup hasn't wasn't there then
    for (const { draft, target, kind } of drafts) {
      giveMode(draft, kind === DELEGATIONS ? groupId(SHARED_GROUP) : undefined, kind?.mode ?? 0o600);
      renameSync(draft, target);
    }
    syncDirectory(files.privateDirectory);
    syncDirectory(files.tableDirectory);
    if (monthFiles(traceDirectory(files)).length > 0) syncDirectory(traceDirectory(files));
    initialise(files); // migrates what is older
    refuseDamaged([
      [files.delegations, DELEGATIONS],
      [files.state, STATE],
    ]);
    const became = traceBecame(inPlace, drafts);
    const key = existingSealKey(files.sealKey);
    const marking = { aside: moved.aside, offered, writer, now: now.toISOString(), trace: became };
    const marked = await mark(files, key, before, marking);
    const trail = await proven(files.state, headFileOf(files.sealKey), key);
    endRestore(files);
    syncDirectory(files.privateDirectory);
    return { aside: moved.aside, ...marked, proven: trail.proven, trailBroken: trail.why, trace: became };
  } catch (error) {
    takeBack(files, offered, moved);
    if (killed === undefined) endRestore(files); // else what is there is no more whole than it was
    throw error;
  }
}

const isOfTrace = (name: string) => name === TRACE_HEAD || monthNamed(name) !== undefined;

function traceBecame(inPlace: TraceInPlace, drafts: Offered['drafts']): PutBack['trace'] {
  if (inPlace === 'goes on') return 'kept';
  if (drafts.some(({ name }) => monthNamed(name) !== undefined)) return 'put back';
  return inPlace === 'other' ? 'aside' : null;
}

/** What was there is there again. */
function takeBack(files: DataFiles, { drafts }: Offered, moved: Moved): void {
  const { aside, files: there } = moved;
  if (aside !== undefined) {
    for (const { draft, target } of drafts) {
      if (existsSync(draft)) continue; // it never came to its place
      for (const end of ['', '-wal', '-shm']) rmSync(target + end, { force: true });
    }
    for (const { from, to } of [...there].reverse()) moveFile(to, from);
    try {
      rmdirSync(aside);
    } catch {} // half of a file that could not be moved: it is where it was
  }
  try {
    initialise(files); // looking whether somebody has them open has ended their log of writes
  } catch {} // damaged, as it was found
}

function giveMode(file: string, gid: number | undefined, mode: number): void {
  const fd = openSync(file, 'r');
  try {
    if (gid !== undefined) fchownSync(fd, -1, gid);
    fchmodSync(fd, mode);
  } finally {
    closeSync(fd);
  }
}

interface Marking {
  readonly aside: string | undefined;
  readonly offered: Offered;
  readonly writer: Writer;
  readonly now: Instant;
  readonly trace: PutBack['trace'];
}

/** What the databases must know of it before anybody obeys them. */
async function mark(
  files: DataFiles,
  key: Buffer,
  before: InPlace,
  { aside, offered: { manifest }, writer, now, trace }: Marking,
): Promise<Pick<PutBack, 'ended' | 'version'>> {
  const table = openDelegationDb(files.delegations, { writes: true, key });
  const state = openStateDb(files.state, { writes: true });
  try {
    // Above whatever anybody has seen, or whoever waits for a change would be answered by the past.
    const seen = [await versionOf(table), await lastVersionSeen(state), before.table?.version, before.state?.version];
    const version = Math.max(...seen.map((one) => one ?? 0)) + 1;
    await setFact(state, 'restored', 'held');
    await setFact(state, 'adopting', String(version));
    const ended = await endGone(state, before, now);
    await setVersion(table, version);
    await setFact(state, 'epoch', manifest.epoch);
    await setFact(state, 'version', String(version));
    const stateId = await fact(state, 'state-id');
    if (stateId !== undefined) await markWorkedOff(table, stateId, version);
    await noteEvent(table, writer, {
      action: 'restore',
      detail: {
        taken: manifest.taken,
        trailEnd: manifest.trail.head?.id ?? 0,
        ...(before.state === undefined ? {} : { trailEndBefore: before.state.trailEnd }),
        ...(aside === undefined ? {} : { aside }),
        ...(trace === null ? {} : { trace }),
      },
    });
    await markPending(table, await mailboxIds(table), writer.actor);
    return { ended, version };
  } finally {
    await table.close();
    await state.close();
  }
}

const setVersion = (table: DelegationDb, version: number) =>
  table.write({ actor: 'mandat' }, (query) => query.updateTable('counters').set({ version }).execute());

/**
 * Pairs that were revoked after the backup was taken, as the state that was in place knows: a pass would take what is missing on the servers for drift,
 * and give it again. They are on their way out instead, and come back when the table is accepted, if it has them still.
 */
async function endGone(state: StateDb, { state: later }: InPlace, now: Instant): Promise<number> {
  if (later?.stateId === undefined || later.stateId !== (await fact(state, 'state-id'))) return 0;
  if (later.version < (await lastVersionSeen(state))) return 0; // it is no later
  const standing = new Set(later.pairs.map(nameOf));
  const rows = await state.query
    .selectFrom('ledger')
    .select(['id', 'server', 'owner_login as ownerLogin', 'login'])
    .where('phase', '<>', 'revoking')
    .execute();
  const gone = rows.filter((row) => !standing.has(nameOf(row)));
  for (const some of portions(gone)) {
    await setPhase(
      state,
      some.map(({ id }) => id),
      'revoking',
      now,
    );
  }
  return gone.length;
}

const nameOf = ({ server, ownerLogin, login }: { server: string; ownerLogin: string; login: string }) =>
  JSON.stringify([server, ownerLogin, login]);
