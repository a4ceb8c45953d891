/** Root may run commands on the data of the sidecar's user: what root makes there belongs to the directory's owner, as all the rest. */
import { chownSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** `gid`: the group, where it isn't to be the directory's. Does nothing for an ordinary user, whose files are his anyway. */
export function giveToDirectoryOwner(path: string, gid?: number): void {
  if (process.getuid?.() !== 0) {
    if (gid !== undefined) chownSync(path, -1, gid);
    return;
  }
  const directory = statSync(dirname(path));
  chownSync(path, directory.uid, gid ?? directory.gid);
}
