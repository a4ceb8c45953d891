/** Another sidecar for the same mail server: a data_dir of its own, with the same keys. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeStores } from '../../bridge/configured/stores.ts';
import { senderMap } from '../../bridge/sender/configured-outputs.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { makeRuntimeDirectory } from '../../bridge/store/files/directories.ts';
import { waitFor, within } from '../../config/lab/wait.ts';
import { loadConfig } from '../../config/load.ts';
import { builtMandat } from '../cli/built.ts';
import type { Site } from './site.ts';

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
  const [program = '', ...first] = await builtMandat();
  const child = spawn(program, [...first, '--config', file, 'run'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  let ended: number | null | undefined;
  const exit = new Promise<number | null>((resolve) =>
    child.once('exit', (status) => {
      ended = status;
      resolve(status);
    }),
  );
  const log = () =>
    output
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    pid: child.pid ?? 0,
    file,
    log,
    said: async (message, times = 1) => {
      await waitFor(
        `${file} says ${message}`,
        30_000,
        () => {
          if (ended !== undefined) throw new Error(`mandat run ended with ${ended}: ${output}`);
          return log().filter(({ msg }) => message.test(String(msg))).length >= times;
        },
        () => output,
      );
    },
    signal: (name) => child.kill(name),
    end: async (name = 'SIGTERM') => {
      if (ended === undefined) {
        child.kill(name);
        if (name !== 'SIGKILL') child.kill('SIGCONT');
      }
      return within(`the end of mandat run after ${name}`, 60_000, exit, () => output);
    },
  };
}
