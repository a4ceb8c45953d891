/** Another sidecar for the same mail server: a data_dir of its own, with the same keys. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeStores } from '../../bridge/configured/stores.ts';
import { senderMap } from '../../bridge/sender/configured-outputs.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { makeRuntimeDirectory } from '../../bridge/store/files/directories.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { loadConfig } from '../../config/load.ts';
import { type Site, spawnRun } from './site.ts';

export interface Sidecar {
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

/** Does not wait for anything. */
export async function startSidecarAt(file: string): Promise<Sidecar> {
  const { child, log, output, failIfEnded, end } = await spawnRun(file);
  return {
    pid: child.pid ?? 0,
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
    signal: (name) => child.kill(name),
    // One that is frozen hears of it when it goes on.
    end: (name = 'SIGTERM') => (name === 'SIGKILL' ? end(name) : end(name, 'SIGCONT')),
  };
}
