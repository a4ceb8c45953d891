/**
 * The `mandat` command without the third of a second that a process needs to start: a few processes take the calls (host.ts), each one
 * at a time. What a process alone can show is tested with one of its own (commands.ts): signals, terminals, sockets, other users.
 */
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { within } from '../../config/lab/wait.ts';
import { builtDirectory, builtMandat } from './built.ts';
import { type How, type Ran, ran, tidy } from './commands.ts';
import type { Call, Called } from './host.ts';

const resting: ChildProcess[] = [];

/** A command waits for a sidecar for two minutes at most. */
const LIMIT_MS = 150_000;

/** Commands that go on until a signal comes. */
const LASTING = ['run', 'filter', 'portal', 'serve'];

/** `mandat --config FILE` with the arguments: without a process of its own, unless the test wants to see one. */
export async function mandatAt(configFile: string, args: readonly string[], how: How = {}): Promise<Ran> {
  const all = ['--config', configFile, ...args];
  if (how.started !== undefined || args.some((arg) => LASTING.includes(arg)))
    return ran([...(await builtMandat()), ...all], how);
  return called(all, how);
}

/** What `mandat` does with the arguments. Calls at the same time get a process each. */
async function called(args: readonly string[], how: Partial<Pick<Call, 'env' | 'cwd'>> = {}): Promise<Ran> {
  const host = resting.pop() ?? (await startHost());
  const { NODE_OPTIONS: _, ...env } = { ...process.env, ...how.env };
  const answer = await ask(host, { args, env, cwd: how.cwd ?? process.cwd() });
  host.unref();
  host.channel?.unref();
  resting.push(host);
  return tidy(args, answer);
}

async function startHost(): Promise<ChildProcess> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const file = path.join(await builtDirectory(), 'tests/cli/host.js');
  // Ends when this process does: nothing else keeps it but the channel between them.
  return fork(file, { execArgv: [], env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

function ask(host: ChildProcess, call: Call): Promise<Called> {
  host.ref();
  host.channel?.ref();
  const answer = new Promise<Called>((resolve, reject) => {
    const died = (status: number | null, signal: string | null) =>
      reject(new Error(`mandat ${call.args.join(' ')}: its process ended with ${status ?? signal}`));
    host.once('exit', died);
    host.once('message', (answer: Called) => {
      host.off('exit', died);
      resolve(answer);
    });
    host.send(call);
  });
  return within(`the end of mandat ${call.args.join(' ')}, called in process ${host.pid}`, LIMIT_MS, answer);
}
