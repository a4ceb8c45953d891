/** `mandat run`, `mandat filter` and `mandat portal` as processes: what they log, and how they end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import { waitFor, within } from '../../config/lab/wait.ts';
import { builtMandat } from './built.ts';

export const LIMIT_MS = 60_000; // a filter of low priority may need ten seconds to start, on a machine that is busy
/** It finishes the step in hand before it ends. */
const END_LIMIT_MS = 60_000;

export interface Lasting {
  readonly child: ChildProcess;
  readonly pid: number;
  log(): readonly Record<string, unknown>[];
  /** Waits for a line of that message, or several; fails when the process ends before. */
  said(msg: string | RegExp, times?: number): Promise<Record<string, unknown>>;
  /** Resolves with the exit status, null after a signal. */
  readonly ended: Promise<number | null>;
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** All that it wrote, lines that are no log too. */
  output(): string;
}

/** `env`: beside this process's own. */
export async function lasting(
  t: Test,
  configFile: string,
  command: 'run' | 'filter' | 'portal',
  env: Readonly<Record<string, string>> = {},
): Promise<Lasting> {
  const [program = '', ...first] = await builtMandat();
  const child = spawn(program, [...first, '--config', configFile, command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  t.teardown(() => child.kill('SIGKILL')); // its filter ends with it
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = new Promise<number | null>((done) => child.once('exit', (status) => done(status)));
  const log = () =>
    output
      .split('\n')
      .filter((line) => /^\{.*\}$/.test(line))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    child,
    pid: child.pid ?? 0,
    log,
    output: () => output,
    said: (msg, times = 1) =>
      waitFor(
        `"${msg}"`,
        LIMIT_MS,
        () => {
          if (child.exitCode !== null) throw new Error(`mandat ${command} ended with ${child.exitCode}: ${output}`);
          const fits = (said: unknown) => (typeof msg === 'string' ? said === msg : msg.test(String(said)));
          return log().filter((line) => fits(line.msg))[times - 1];
        },
        () => output,
      ),
    ended,
    end: (signal) => {
      child.kill(signal);
      return within(`the end of mandat ${command} after ${signal}`, END_LIMIT_MS, ended, () => output);
    },
  };
}

/** Whether there is a process of that number that hasn't ended; one that nobody has asked how it ended is a zombie. */
export function isThere(pid: number): boolean {
  try {
    return !/^.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
