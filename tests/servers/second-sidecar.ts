/** Another sidecar for the same mail server: a data_dir of its own, with the same keys. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeStores } from '../../bridge/configured/stores.ts';
import { senderMap } from '../../bridge/sender/configured-outputs.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { makeRuntimeDirectory } from '../../bridge/store/files/directories.ts';
import { processTree } from '../../config/lab/processes.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { loadConfig } from '../../config/load.ts';
import { type Site, spawnRun } from './site.ts';

export interface Sidecar {
  /** As this process sees it. */
  readonly pid: number;
  readonly file: string;
  log(): readonly Record<string, unknown>[];
  /** Waits until it has said that, so many times. */
  said(message: RegExp, times?: number): Promise<void>;
  signal(name: NodeJS.Signals): void;
  end(name?: NodeJS.Signals): Promise<number | null>;
}

/** Its configuration: the site's, with changes. */
export async function anotherPlace(
  site: Site,
  name: string,
  change: (toml: string) => string = (toml) => toml,
): Promise<string> {
  const directory = path.join(site.lab.directory, name);
  mkdirSync(directory);
  const [here, there] = [dataFiles(site.lab.directory), dataFiles(directory)];
  const toml = readFileSync(site.configFile, 'utf8').replace(/^data_dir = .*$/m, `data_dir = "${directory}"`);
  const file = path.join(directory, 'mandat.toml');
  writeFileSync(file, change(toml));
  for (const secret of ['imap.secret', 'doveadm.secret', 'database.secret'])
    cpSync(path.join(site.lab.directory, secret), path.join(directory, secret));
  const config = loadConfig({ path: file, env: {}, cwd: directory });
  await makeStores(config);
  for (const end of ['.key', '.head'])
    cpSync(here.sealKey.replace(/\.key$/, end), there.sealKey.replace(/\.key$/, end));
  senderMap(config, there)?.close();
  makeRuntimeDirectory(config.runtimeDir, { uid: 0, gid: 0 });
  return file;
}

/** As unshare(1) has it: numbers of processes of its own, by which others can't see that it has ended. */
const ANOTHER_MACHINE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];

/** Does not wait for anything. */
export async function startSidecarAt(file: string, where: 'here' | 'another machine' = 'here'): Promise<Sidecar> {
  const elsewhere = where === 'another machine';
  const { child, log, output, failIfEnded, end } = await spawnRun(file, elsewhere ? ANOTHER_MACHINE : []);
  const pid = elsewhere ? await insideOf(child.pid ?? 0) : (child.pid ?? 0);
  return {
    pid,
    file,
    log,
    said: async (message, times = 1) => {
      await waitFor(
        `${file} says ${message}`,
        30_000,
        () => {
          failIfEnded();
          return log().filter(({ msg }) => message.test(String(msg))).length >= times;
        },
        output,
      );
    },
    signal: (name) => process.kill(pid, name),
    // One that is frozen hears of it when it goes on.
    end: (name = 'SIGTERM') => (name === 'SIGKILL' ? end(name) : end(name, 'SIGCONT')),
  };
}

/** The process that unshare(1) runs. */
const insideOf = (outer: number) => waitFor('it is started', 30_000, () => processTree(outer)[1]);
