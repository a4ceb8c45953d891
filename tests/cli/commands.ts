/** Running commands to their end as a shell would, and what must hold of every one of them whatever it does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { within } from '../../config/lab/wait.ts';

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface How {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called when the process has started. */
  readonly started?: (child: ChildProcess) => void;
}

/** As long as a test may take, and a little less. */
const LIMIT_MS = 200_000;

/** Runs it without a terminal, its standard input empty. */
export async function ran(argv: readonly string[], how: How = {}): Promise<Ran> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...how.env },
    ...(how.cwd === undefined ? {} : { cwd: how.cwd }),
  });
  how.started?.(child);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  // 'close' comes when nobody writes to its output any more: a child that it has left behind would keep it from coming.
  const closed = within(`the end of ${argv.join(' ')}`, LIMIT_MS, once(child, 'close'), () => {
    child.kill('SIGKILL');
    const how = child.exitCode ?? child.signalCode;
    return `${how === null ? 'it runs' : `it ended with ${how}, and its output is open`}\n${stdout}\n${stderr}`;
  });
  const [status] = (await closed) as [number];
  return tidy(args, { status, stdout, stderr });
}

/** What it did, if it is what every command must look like, whatever it does. */
export function tidy(args: readonly string[], result: Ran): Ran {
  const wrong = untidy(args, result);
  if (wrong === undefined) return result;
  throw new Error(`${wrong}\n$ mandat ${args.join(' ')}\n${result.stdout}\n---\n${result.stderr}`);
}

/** No stack traces for users, no colours into a pipe, one JSON document and nothing else with --json. */
function untidy(args: readonly string[], { status, stdout, stderr }: Ran): string | undefined {
  if (/^\s+at .*[:/]\d+/m.test(stderr) || /node:internal|file:\/\//.test(stderr)) return 'a stack trace';
  if (/this is a defect of mandat/.test(stderr + stdout)) return 'a failure that nobody foresaw';
  if (status === null || status > 5)
    // null: a signal, or nothing could be started
    return `exit status ${status}`;
  if ((stdout + stderr).includes('\x1b')) return 'colours, or another escape sequence, without a terminal';
  if (args.includes('--json') && !args.some((arg) => ['--help', '--version', 'run'].includes(arg))) {
    try {
      JSON.parse(stdout);
    } catch {
      return 'not one JSON document on standard output';
    }
  }
  return undefined;
}
