/** The databases' files are kept small while the sidecar runs. */
import type { Logger } from 'pino';
import type { GiveWay } from '../shared/portions.ts';
import { givePagesBack } from '../store/files/free-pages.ts';
import { shrinkLog } from '../store/files/write-ahead-log.ts';
import { openLogWarnings } from './large-log.ts';

/** @param files those that are in use; none where all of it is in PostgreSQL */
export function keepSmall(files: readonly string[], log: Logger): (giveWay: GiveWay) => Promise<void> {
  const tellOfLog = openLogWarnings(log);
  return async (giveWay) => {
    for (const file of files) {
      const shrunk = shrinkLog(file);
      if (shrunk?.done) log.info({ file, size: shrunk.size }, 'the log of writes was large, and has been emptied');
      else if (shrunk !== undefined) tellOfLog(file, shrunk.size);
      const pages = await givePagesBack(file, giveWay);
      if (pages > 0) log.info({ file, pages }, 'pages that it no longer needs were given back to the system');
    }
  };
}
