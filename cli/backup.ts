import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { makeBackupPlace } from '../bridge/backup/place.ts';
import { datedPlace, forgetOld, type Taken, takeBackup } from '../bridge/backup/take.ts';
import { refuseHalfRestored } from '../bridge/backup/unfinished.ts';
import { refusePostgres } from '../bridge/configured/stores.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { version } from '../bridge/shared/version.ts';
import { DELEGATIONS } from '../bridge/store/databases.ts';
import { dataOwner, refuseUnsafePlaces } from '../bridge/store/files/directories.ts';
import { refuseOldPlaces } from '../bridge/store/files/old-layout.ts';
import { versionIn } from '../bridge/store/files/open.ts';
import { setFact } from '../bridge/store/state/facts.ts';
import { noteEvent } from '../bridge/store/table/events.ts';
import { EXIT } from './exit.ts';
import { atLowPriority } from './low-priority.ts';
import { counted, oneLine } from './output.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { shownSize } from './sizes.ts';

/** What docs/postgresql.md says of it. */
export const DUMP =
  'back the database up with pg_dump, and keep seal.key, seal.head and the configuration beside it: docs/postgresql.md';

interface Options {
  readonly keep?: number;
  readonly withDirectory?: boolean;
  readonly withoutKey?: boolean;
  readonly withoutTrace?: boolean;
}

export function backupCommand(program: Command, run: Runner): void {
  program
    .command('backup')
    .description(
      'copy all that mandat keeps into a directory, as it is at one moment, while the sidecar runs; proves the copy',
    )
    .argument('<dir>', 'a directory that is not there yet, or empty')
    .option(
      '--keep <number>',
      'make each copy in a new directory below it, named by the date, and keep this many',
      several,
    )
    .option('--with-directory', 'also copy the imported directory of people and mailboxes, which may be large')
    .option('--without-trace', 'leave the trace of access out, which may be large')
    .option('--without-key', 'leave seal.key out; keep it elsewhere, because a restore needs it in its place')
    .action(
      run(
        async (session, dir: string, options: Options) => {
          const { files, out, config } = session;
          refusePostgres(config, '"mandat backup"', DUMP);
          const place = path.resolve(dir);
          refuseOldPlaces(files);
          refuseUnsafePlaces(files);
          const owner = dataOwner(files);
          versionIn(files.delegations, DELEGATIONS); // before anything is made: that there is something to copy
          if (owner !== undefined) makeBackupPlace(place, owner);
          session.becomeOwner();
          refuseHalfRestored(files);
          const taken = await atLowPriority(() => take(session, place, options, version().number));
          const old = options.keep === undefined ? undefined : forgetOld(place, options.keep);
          await note(session, taken);
          const { manifest, directory, heldMs } = taken;
          out.result(
            { directory, heldMs: Math.round(heldMs), forgotten: old?.gone ?? [], ...manifest },
            [told(taken), ...(old?.gone ?? []).map((gone) => `${gone}: older, and taken away`)].join('\n'),
          );
          for (const left of old?.left ?? []) out.warn(`mandat: ${left} holds what no backup does, and was left`);
          const broken = [
            ['audit trail', manifest.trail.why],
            ['trace of access', manifest.trace?.why ?? null],
          ].filter(([, why]) => why !== null);
          for (const [what, why] of broken) {
            out.warn(`mandat: it was copied all the same, but its ${what} is not proven: ${oneLine(why ?? '')}`);
          }
          return broken.length === 0 ? EXIT.done : EXIT.failed;
        },
        [],
        'caller',
      ),
    );
}

async function take({ files, config }: Session, place: string, options: Options, mandat: string): Promise<Taken> {
  const { keep, withDirectory = false, withoutKey = false, withoutTrace = false } = options;
  const now = () => new Date();
  const directory = keep === undefined ? place : datedPlace(place, now());
  const { uid, gid } = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  makeBackupPlace(directory, { uid, gid });
  const { file: configFile } = config;
  const parts = { withDirectory, withTrace: !withoutTrace, withKey: !withoutKey };
  return takeBackup(files, directory, { mandat, configFile, ...parts, now });
}

/** In the trail and for `status`; not in databases that are to be migrated first. */
async function note({ table, state, writer }: Session, { directory, manifest }: Taken): Promise<void> {
  const { taken, trail } = manifest;
  try {
    await table((db) =>
      noteEvent(db, writer, { action: 'backup', detail: { to: directory, trailEnd: trail.head?.id ?? 0 } }),
    );
    await state((db) => setFact(db, 'backup', JSON.stringify({ at: taken, directory })));
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'config') throw error;
  }
}

function told({ directory, manifest, heldMs }: Taken): string {
  const size = manifest.files.reduce((sum, one) => sum + one.size, 0);
  const { head, proven } = manifest.trail;
  const trail =
    proven === null
      ? []
      : [
          `the audit trail was proven: ${counted(proven, 'entry', 'entries')}${head === null ? '' : `, its end is ${head.id}:${head.seal}`}`,
        ];
  const { trace } = manifest;
  const accesses =
    trace?.proven == null ? [] : [`the trace of access was proven: ${counted(trace.proven, 'access', 'accesses')}`];
  return [
    `${directory}: ${counted(manifest.files.length, 'file')}, ${shownSize(size)}, of one moment (nobody could commit for ${Math.ceil(heldMs)} ms)`,
    ...trail,
    ...accesses,
  ].join('\n');
}

function several(typed: string): number {
  if (!/^[1-9]\d{0,3}$/.test(typed)) throw new InvalidArgumentError('A whole number, 1 or more.');
  return Number(typed);
}
