/** A directory beside the databases for as long as they are made from those in a PostgreSQL (`mandat database copy --to files`). */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../../shared/failure.ts';
import type { DataFiles } from './data-files.ts';

export const copyingDirectory = ({ privateDirectory }: Pick<DataFiles, 'privateDirectory'>) =>
  path.join(privateDirectory, 'copying');

/** There while drafts that are whole come to their places one after the other. */
export const installingMark = (files: Pick<DataFiles, 'privateDirectory'>) =>
  path.join(copyingDirectory(files), 'installing');

/** Fails `config` where a copy was begun and never came to its end, and nothing else is there. */
export function refuseHalfCopied(files: DataFiles): void {
  if (!existsSync(copyingDirectory(files))) return;
  if (existsSync(files.delegations) && !existsSync(installingMark(files))) return; // what is in place is whole, or says itself that it has moved
  throw new Failure(
    'config',
    `a copy into ${files.directory} was begun and not ended: what is there is not whole, and nobody works with it`,
    'with "database" in mandat.toml as it was: "mandat database copy --to files" again, it goes on from there',
    { rule: 'MANDAT_HALF_COPIED' },
  );
}
