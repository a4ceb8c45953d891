/**
 * A mark in the data directory for as long as a restore is at work: what lies there then is neither the one nor the other. It names where what was there
 * first goes, so that one that is done again after a kill still knows what that knew.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../shared/failure.ts';
import type { DataFiles } from '../store/files/data-files.ts';

const markIn = ({ privateDirectory }: DataFiles) => path.join(privateDirectory, 'restore.unfinished');

/** Where a restore that was killed has put aside what was there first; undefined where none was. */
export function asideOfUnfinished(files: DataFiles): string | undefined {
  if (!existsSync(markIn(files))) return undefined;
  const [name = ''] = readFileSync(markIn(files), 'utf8').split('\n');
  return /^before-restore-[\dTZ-]+$/.test(name) ? path.join(files.privateDirectory, name) : undefined;
}

export function beginRestore(files: DataFiles, aside: string): void {
  writeFileSync(markIn(files), `${path.basename(aside)}\n`, { mode: 0o600 });
}

export function endRestore(files: DataFiles): void {
  rmSync(markIn(files), { force: true });
}

/** Fails `config` where one was begun and never came to its end. */
export function refuseHalfRestored(files: DataFiles): void {
  if (!existsSync(markIn(files))) return;
  throw new Failure(
    'config',
    `a restore into ${files.directory} was begun and not ended`,
    '"mandat restore DIR" again, with the same backup or another',
    { rule: 'MANDAT_HALF_RESTORED' },
  );
}
