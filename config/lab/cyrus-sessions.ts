import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CyrusPrograms } from './cyrus-packages.ts';
import { readFragment } from './fragment.ts';

/** For `[sessions]`, as it is written there: an argument each. */
export interface SessionCommands {
  readonly end: readonly string[];
  readonly list: readonly string[];
}

/** The product's helper, run as Cyrus' own user as sudo or systemd would, on a Cyrus whose programs lie elsewhere. */
export async function installSessionCommands(
  directory: string,
  configFile: string,
  { bin, libraries }: CyrusPrograms,
): Promise<SessionCommands> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const info = path.join(directory, 'cyr_info');
  const helper = path.join(directory, 'mandat-end-sessions');
  const program = async (file: string, text: string) => {
    await writeFile(file, text);
    await chmod(file, 0o755);
  };
  await program(info, `#!/bin/sh\nLD_LIBRARY_PATH=${libraries} exec ${bin}/cyr_info "$@"\n`);
  await program(
    helper,
    await readFragment('cyrus/mandat-end-sessions', {
      '/usr/lib/cyrus/bin/cyr_info': info,
      '/etc/imapd.conf': configFile,
    }),
  );
  const as = ['/usr/bin/setpriv', '--reuid=mail', '--regid=mail', '--clear-groups', helper];
  return { end: [...as, 'end', '{login}'], list: [...as, 'list', '{login}'] };
}
