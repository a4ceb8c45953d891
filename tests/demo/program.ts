/** mandat as it is installed: its command line, and its sidecar. */
import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '../../config/lab/wait.ts';

const MANDAT = path.resolve(import.meta.dirname, '../../dist/cli/main.js');

/** Runs a command line; rejects when it doesn't exit with 0. */
export function mandatWith(configFile: string): (...args: readonly string[]) => Promise<string> {
  return async (...args) =>
    (await promisify(execFile)(process.execPath, [MANDAT, '--config', configFile, ...args])).stdout;
}

/** @param saying what its log must say besides, before it counts as up */
export async function startSidecar(
  configFile: string,
  ...saying: readonly string[]
): Promise<{ readonly pid: number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [MANDAT, '--config', configFile, 'run'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk;
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  try {
    await waitFor('the sidecar watches', 60_000, () => {
      if (child.exitCode !== null) throw new Error(`the sidecar ended: ${log}`);
      return ['watching', ...saying].every((one) => log.includes(`"${one}"`));
    });
  } catch (error) {
    kill();
    throw error;
  }
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      process.removeListener('exit', kill);
    },
  };
}
