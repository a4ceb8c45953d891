/**
 * A backup while everything runs. All databases are those of one moment (moment.ts), so that a restore of them is what a crash in that moment
 * would have left, which the sidecar is made to go on from: the ledger is written before the servers are touched, what was taken over from one
 * file into another is remembered with it. Copied from the table on: were anything to come in between, state.db would never know more than the table.
 * seal.head is read in the same moment; it never names more than the trail holds then.
 */
import { closeSync, existsSync, lstatSync, readdirSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type Database from 'better-sqlite3';
import { WHITE_LIST_FILE } from '../directory/white-list.ts';
import { Failure } from '../shared/failure.ts';
import { DELEGATIONS, STATE, SUBMISSIONS } from '../store/databases.ts';
import type { DataFiles } from '../store/files/data-files.ts';
import { openStateDb } from '../store/state/state-db.ts';
import { headFileOf, readHead } from '../store/trail/seal-head.ts';
import { existingSealKey } from '../store/trail/sealing.ts';
import { describeBroken, proveAudit } from '../store/trail/trail-proof.ts';
import { traceHeadFile } from '../trace/trace-head.ts';
import { copyDatabase, copyOpened, openPlain, syncDirectory } from './copying.ts';
import { MANIFEST, type Manifest, type ManifestEntry, writeManifest } from './manifest.ts';
import { type Moment, momentOf } from './moment.ts';
import { judgeBackupPlace, namesIn } from './place.ts';
import {
  copyTrace,
  provenTrace,
  removeTracePlace,
  snapshotOfTrace,
  TRACE_HEAD,
  TRACE_PLACE,
  type TraceSnapshot,
} from './trace-copy.ts';

export interface BackupOptions {
  /** The version of the program. */
  readonly mandat: string;
  /** Copied along, to be read by people: what is in force after a restore is the one of the machine. */
  readonly configFile: string;
  /** What the directory's imports have left, too: as large as they are, and importable anew. */
  readonly withDirectory: boolean;
  /** The trace of access, too: its months may be large, and are copied whole each time. */
  readonly withTrace: boolean;
  /** Kept apart: then a restore needs the key in its place. */
  readonly withKey: boolean;
  readonly now: () => Date;
}

export interface Taken {
  readonly directory: string;
  readonly manifest: Manifest;
  /** For how long nobody could commit, in milliseconds. */
  readonly heldMs: number;
}

/** Into a directory that is empty (place.ts). What was begun and failed is taken away again. */
export async function takeBackup(files: DataFiles, directory: string, options: BackupOptions): Promise<Taken> {
  judgeBackupPlace(directory);
  const [there] = namesIn(directory);
  if (there !== undefined) {
    throw new Failure(
      'config',
      `${directory} is not empty (${there}): nothing is overwritten`,
      'name a directory that is not there yet, or let "--keep N" make one below it each time',
    );
  }
  try {
    return await fill(files, directory, options);
  } catch (error) {
    for (const name of readdirSync(directory)) {
      rmSync(path.join(directory, name), { force: true, recursive: name === TRACE_PLACE });
    }
    try {
      rmdirSync(directory);
    } catch {} // of somebody who may not, or not ours to take
    throw error;
  }
}

async function fill(files: DataFiles, directory: string, options: BackupOptions): Promise<Taken> {
  const to = (name: string) => path.join(directory, name);
  const key = existingSealKey(files.sealKey);
  const sources = [
    { name: 'delegation.db', file: files.delegations, kind: DELEGATIONS },
    { name: 'state.db', file: files.state, kind: STATE },
    ...(existsSync(files.submissions) ? [{ name: 'submission.db', file: files.submissions, kind: SUBMISSIONS }] : []),
  ];
  const plain = new Map<string, number>();
  const entries: ManifestEntry[] = [];
  let moment: Moment | undefined;
  let trace: TraceSnapshot | undefined;
  let facts: Pick<Manifest, 'epoch' | 'version' | 'stateId' | 'taken'>;
  try {
    const openOne = (file: string, name = path.basename(file)) => {
      const fd = openPlain(file);
      if (fd !== undefined) plain.set(name, fd);
    };
    moment = await momentOf(sources, () => {
      openOne(headFileOf(files.sealKey)); // it is replaced, never written in place: what was opened stays as it was
      if (options.withTrace) openOne(traceHeadFile(files)); // likewise
    });
    if (options.withTrace) trace = snapshotOfTrace(files);
    const taken = options.now().toISOString();
    if (options.withKey) openOne(files.sealKey);
    openOne(path.join(files.privateDirectory, WHITE_LIST_FILE));
    openConfiguration(options.configFile, plain);
    if (options.withDirectory) for (const file of generationsIn(files.privateDirectory)) openOne(file);
    for (const [at, snapshot] of moment.snapshots.entries()) {
      const name = sources[at]?.name ?? '';
      entries.push(await copyDatabase(snapshot, name, to(name)));
    }
    if (trace !== undefined) entries.push(...(await copyTrace(trace, directory)));
    const [table, state] = moment.snapshots.map(({ database }) => database);
    facts = { taken, ...identityOf(table as Database.Database, state as Database.Database) };
    for (const [name, fd] of plain) entries.push(copyOpened(fd, name, to(name)));
  } finally {
    moment?.close();
    trace?.close();
    for (const fd of plain.values()) closeSync(fd);
  }
  const trail = await proven(to('state.db'), to('seal.head'), key);
  const traced = await provenTrace(to(TRACE_PLACE), to(TRACE_HEAD), key);
  const manifest: Manifest = {
    format: 'mandat backup 1',
    mandat: options.mandat,
    dataDir: files.directory,
    ...facts,
    trail,
    ...(traced === undefined ? {} : { trace: traced }),
    files: entries,
  };
  writeManifest(directory, key, manifest);
  if (traced !== undefined) syncDirectory(to(TRACE_PLACE));
  syncDirectory(directory);
  return { directory, manifest, heldMs: moment.heldMs };
}

/** To be read by people, so it may be a link, and where this user has no right to it there is none. */
function openConfiguration(file: string, plain: Map<string, number>): void {
  try {
    const fd = openPlain(realpathSync(file));
    if (fd !== undefined) plain.set('mandat.toml', fd);
  } catch {}
}

/** The whole trail of a copy, with the head beside it. A trail that is broken is copied all the same: it is all there is, and `why` says so. */
export async function proven(stateFile: string, headFile: string, key: Buffer): Promise<Manifest['trail']> {
  let state: ReturnType<typeof openStateDb>;
  try {
    state = openStateDb(stateFile); // read only it would leave an empty log of writes behind
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'config') throw error;
    return { head: null, proven: null, why: `state.db is of an older version: ${error.message}` };
  }
  try {
    const proof = await proveAudit(state, key, undefined, readHead(headFile, key));
    if (proof.intact) return { head: proof.head ?? null, proven: proof.entries, why: null };
    return { head: null, proven: null, why: describeBroken(proof, headFile) };
  } finally {
    await state.close();
  }
}

function identityOf(table: Database.Database, state: Database.Database) {
  const one = (database: Database.Database, query: string) => database.prepare(query).pluck().get();
  return {
    epoch: String(one(table, "SELECT value FROM settings WHERE name = 'epoch'") ?? ''),
    version: Number(one(table, 'SELECT version FROM counters') ?? 0),
    stateId: (one(state, "SELECT value FROM facts WHERE name = 'state-id'") as string | undefined) ?? null,
  };
}

function generationsIn(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => /^(?:directory|correspondence)-\d+\.db$/.test(name))
    .map((name) => path.join(directory, name));
}

/** Where `--keep` has it: `2026-11-29T010203Z`, and what keeps two of one second apart. */
export function datedPlace(parent: string, now: Date): string {
  const name = `${now
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '')}`;
  for (let n = 1; ; n++) {
    const place = path.join(parent, n === 1 ? name : `${name}-${n}`);
    if (!existsSync(place)) return place;
  }
}

const DATED = /^\d{4}-\d\d-\d\dT\d{6}Z(?:-\d+)?$/;

/**
 * Takes the oldest away until `keep` whole ones are left, and what was begun before the newest and never finished. Only what a backup is made of goes:
 * a directory that holds anything else stays, and is named.
 */
export function forgetOld(
  parent: string,
  keep: number,
): { readonly gone: readonly string[]; readonly left: readonly string[] } {
  const dated = namesIn(parent).filter((name) => DATED.test(name));
  const whole = dated.filter((name) => existsSync(path.join(parent, name, MANIFEST)));
  const kept = new Set(whole.slice(-keep));
  const newest = whole.at(-1) ?? '';
  const [gone, left]: [string[], string[]] = [[], []];
  for (const name of dated.filter((one) => !kept.has(one) && one < newest)) {
    const directory = path.join(parent, name);
    for (const one of oursIn(directory)) rmSync(path.join(directory, one), { force: true });
    removeTracePlace(directory);
    try {
      rmdirSync(directory);
      gone.push(directory);
    } catch {
      left.push(directory);
    }
  }
  return { gone, left };
}

/** What a backup is made of, among what lies there. */
function oursIn(directory: string): readonly string[] {
  const months = path.join(directory, TRACE_PLACE);
  const below = lstatSync(months, { throwIfNoEntry: false })?.isDirectory() === true ? namesIn(months) : [];
  return [...namesIn(directory), ...below.map((one) => `${TRACE_PLACE}/${one}`)].filter((one) => OURS.test(one));
}

const OURS =
  /^(?:manifest\.json|(?:delegation|state|submission|trace\/[\d-]{7,11})\.db(?:-journal|-wal|-shm)?|seal\.(?:key|head)|trace\.head|white-list\.json|mandat\.toml|(?:directory|correspondence)-\d+\.db)$/;
