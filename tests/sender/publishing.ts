/** The program in publisher.ts, from outside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { SenderRule } from '../../acl/desired.ts';
import { within } from '../../config/lab/wait.ts';
import { builtDirectory, NODE } from '../cli/built.ts';

export interface Publisher {
  readonly child: ChildProcess;
  /** What it said to its outputs when it began. */
  readonly began: string;
  /** Resolves with `done`, or with what kept an output from it. */
  publish(mailbox: number, rules: readonly SenderRule[]): Promise<string>;
  /** As systemd would, or by a signal. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

export async function startPublisher(configFile: string): Promise<Publisher> {
  const [file, ...args] = [
    ...NODE,
    path.join(await builtDirectory(), 'tests/sender/publisher.js'),
    configFile,
  ] as const;
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => {}); // it may be killed while we write
  const waiting: ((line: string) => void)[] = [];
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line));
  const next = () =>
    within(
      "the publisher's answer",
      60_000,
      Promise.race([new Promise<string>((resolve) => waiting.push(resolve)), gone.then(() => 'it has ended')]),
    );
  return {
    child,
    began: await next(),
    publish: (mailbox, rules) => {
      child.stdin.write(`${JSON.stringify([mailbox, rules])}\n`);
      return next();
    },
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, 'close');
      if (signal === undefined) child.stdin.end();
      else child.kill(signal);
      await within('the end of the publisher', 60_000, closed);
    },
  };
}
