/**
 * A backup that is offered to be put back: copied into the data directory under names of its own, and judged there, where nobody can change it any
 * more. Nothing that is in use has been touched by then.
 */
import { closeSync, existsSync, fstatSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { Failure } from '../shared/failure.ts';
import { DELEGATIONS, groupId, STATE, SUBMISSIONS } from '../store/databases.ts';
import { type DataFiles, SHARED_GROUP } from '../store/files/data-files.ts';
import { makeDirectory, makePlaces, refuseUnsafePlaces } from '../store/files/directories.ts';
import { type FileKind, guarded, versionIn } from '../store/files/open.ts';
import { existingSealKey } from '../store/trail/sealing.ts';
import { TRACE, traceDirectory } from '../trace/trace-files.ts';
import { copyOpened, openPlain } from './copying.ts';
import { differenceIn, examineCopy } from './database-facts.ts';
import { type Manifest, type ManifestEntry, readManifest } from './manifest.ts';
import { judgeBackupPlace, reachable } from './place.ts';
import { proven } from './take.ts';
import { monthNamed, provenTrace, TRACE_HEAD, TRACE_PLACE } from './trace-copy.ts';

export interface Offered {
  readonly directory: string;
  readonly manifest: Manifest;
  /** Where each file is to go, and where its copy lies until then. */
  readonly drafts: readonly Draft[];
  /** Of the trace of access, likewise; null also where it has none. */
  readonly traceBroken: string | null;
  /** The key that it was sealed with: of the backup, or in place. */
  readonly key: Buffer;
  /** Why its audit trail can't be proven: that was so when it was taken. Null where it was proven now. */
  readonly trailBroken: string | null;
  /** Takes the copies away that were not put in their places. */
  discard(): void;
}

export interface Draft {
  readonly name: string;
  readonly draft: string;
  readonly target: string;
  readonly kind: FileKind | undefined;
}

const KINDS: Readonly<Record<string, FileKind>> = {
  'delegation.db': DELEGATIONS,
  'state.db': STATE,
  'submission.db': SUBMISSIONS,
};

/** Without these there is nothing to go on from. */
const NEEDED = ['delegation.db', 'state.db', 'seal.head'];

/** Fails `config`, with nothing left behind, for what isn't ours, isn't whole, isn't of one moment, or may have been altered by somebody. */
export async function offeredIn(files: DataFiles, directory: string): Promise<Offered> {
  judgeBackupPlace(directory);
  const read = reachable(directory, () => readManifest(directory));
  const { manifest } = read;
  const missing = NEEDED.find((needed) => !manifest.files.some(({ name }) => name === needed));
  if (missing !== undefined) throw torn(directory, `it has no ${missing}`);
  guarded(files.directory, { what: 'the data directory' }, () => makePlaces(files, groupId(SHARED_GROUP)));
  refuseUnsafePlaces(files);
  const drafts: Draft[] = [];
  const discard = () => {
    for (const { draft } of drafts) {
      for (const end of ['', '-journal', '-wal', '-shm']) rmSync(draft + end, { force: true });
    }
    removeDraftPlace(files);
  };
  try {
    prepareTraceDrafts(files, directory, manifest);
    for (const entry of manifest.files) {
      const target = placeOf(files, entry.name);
      if (target === undefined) continue; // the configuration: to be read by people
      const month = monthNamed(entry.name);
      const draft = {
        name: entry.name,
        draft: month === undefined ? `${target}.restore` : path.join(draftPlace(files), month),
        target,
        kind: month === undefined ? KINDS[entry.name] : TRACE,
      };
      rmSync(draft.draft, { force: true }); // of a restore that was killed
      drafts.push(draft);
      copyOut(directory, entry, draft);
    }
    return { directory, manifest, drafts, ...(await judge(files, directory, drafts, read)), discard };
  } catch (error) {
    discard();
    throw error;
  }
}

function placeOf(files: DataFiles, name: string): string | undefined {
  if (name === 'mandat.toml') return undefined;
  const month = monthNamed(name);
  if (month !== undefined) return path.join(traceDirectory(files), month);
  return name === 'delegation.db' ? files.delegations : path.join(files.privateDirectory, name);
}

function copyOut(directory: string, entry: ManifestEntry, { draft }: Draft): void {
  const from = path.join(directory, entry.name);
  const fd = reachable(from, () => openPlain(from));
  if (fd === undefined) throw torn(directory, `${entry.name} is not there`);
  try {
    const { uid } = fstatSync(fd);
    if (uid !== 0 && uid !== process.geteuid?.()) {
      throw new Failure(
        'config',
        `${from} belongs to user ${uid}: it may have been altered`,
        'have a look at it; what is right belongs to root, or to the user whose data these are',
        { rule: 'UNSAFE_PLACE' },
      );
    }
    const { size, sha256 } = copyOpened(fd, entry.name, draft);
    if (size !== entry.size) throw torn(directory, `${entry.name} has ${size} octets, and should have ${entry.size}`);
    if (sha256 !== entry.sha256) throw torn(directory, `${entry.name} is not what was written: its checksum differs`);
  } finally {
    closeSync(fd);
  }
}

async function judge(
  files: DataFiles,
  directory: string,
  drafts: readonly Draft[],
  { manifest, isSealedWith }: ReturnType<typeof readManifest>,
): Promise<Pick<Offered, 'trailBroken' | 'traceBroken' | 'key'>> {
  for (const { name, draft, kind } of drafts) {
    if (kind === undefined) continue;
    versionIn(draft, kind); // ours, and not newer than this program
    const said = manifest.files.find((one) => one.name === name)?.database;
    const difference = said === undefined ? 'nothing is said of it' : differenceIn(said, examineCopy(draft, kind));
    if (difference !== undefined) throw torn(directory, `${name}: ${difference}`);
  }
  const draftOf = (name: string) => drafts.find((one) => one.name === name)?.draft;
  const keyFile = draftOf('seal.key') ?? files.sealKey;
  if (!existsSync(keyFile)) {
    throw new Failure(
      'config',
      `${directory} was made without the seal key, and there is none at ${files.sealKey}`,
      'put seal.key back to where it was first, from where it is kept',
    );
  }
  const key = existingSealKey(keyFile);
  if (!isSealedWith(key)) {
    throw new Failure(
      'config',
      `${path.join(directory, 'manifest.json')} was not written with this key: it was altered, or ${keyFile.endsWith('.restore') ? 'seal.key is' : `${files.sealKey} is`} another one`,
      'take another backup, or put the key of that time in its place first',
    );
  }
  refuseApart(directory, manifest, draftOf('delegation.db') ?? '', draftOf('state.db') ?? '');
  const trail = await proven(draftOf('state.db') ?? '', draftOf('seal.head') ?? '', key);
  if (trail.why !== null && manifest.trail.why === null) throw torn(directory, trail.why);
  if (trail.head?.id !== manifest.trail.head?.id || trail.head?.seal !== manifest.trail.head?.seal) {
    throw torn(directory, 'its audit trail ends elsewhere than it says');
  }
  const traceBroken = await judgeTrace(files, directory, draftOf(TRACE_HEAD) ?? '', manifest, key);
  return { trailBroken: trail.why, traceBroken, key };
}

/** Of its drafts, whose names are those of its files. */
async function judgeTrace(files: DataFiles, directory: string, head: string, { trace }: Manifest, key: Buffer) {
  const now = await provenTrace(draftPlace(files), head, key);
  if (now !== undefined && now.why !== null && trace?.why === null) throw torn(directory, now.why);
  if (now?.head?.id !== trace?.head?.id || now?.head?.seal !== trace?.head?.seal) {
    throw torn(directory, 'its trace of access ends elsewhere than it says');
  }
  return now?.why ?? null;
}

/** Where the months' files of a trace lie until they go to their place. */
const draftPlace = ({ privateDirectory }: DataFiles) => path.join(privateDirectory, 'trace.restore');

function prepareTraceDrafts(files: DataFiles, directory: string, { files: entries }: Manifest): void {
  rmSync(draftPlace(files), { recursive: true, force: true }); // of a restore that was killed
  if (!entries.some(({ name }) => monthNamed(name) !== undefined)) return;
  judgeBackupPlace(path.join(directory, TRACE_PLACE));
  makeDirectory(draftPlace(files), 0o700);
  makeDirectory(traceDirectory(files), 0o700);
}

function removeDraftPlace(files: DataFiles): void {
  try {
    rmdirSync(draftPlace(files));
  } catch {} // there is none
}

/** Both of the table and the state that the manifest names, and of one moment. */
function refuseApart(directory: string, { epoch }: Manifest, table: string, state: string): void {
  const tableEpoch = one(table, "SELECT value FROM settings WHERE name = 'epoch'");
  const stateEpoch = one(state, "SELECT value FROM facts WHERE name = 'epoch'");
  if (tableEpoch !== epoch || (stateEpoch !== undefined && stateEpoch !== epoch)) {
    throw torn(directory, 'its state.db is that of another delegation table');
  }
}

function one(file: string, query: string): unknown {
  const database = new Database(file, { readonly: true, fileMustExist: true });
  try {
    return database.prepare(query).pluck().get();
  } finally {
    database.close();
  }
}

const torn = (directory: string, why: string) =>
  new Failure('config', `the backup ${directory} can't be used: ${why}`, 'nothing was changed: take another backup');
