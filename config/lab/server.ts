import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { greets } from './greets.ts';
import { terminate } from './processes.ts';
import { waitFor } from './wait.ts';

/** How to run one server in the foreground, and how to know that it serves. */
export interface ServerCommand {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly log: string;
  /** Written by the server once it has its ports; tells it from a stranger who answers there. Some write none. */
  readonly pidFile: string | undefined;
  /** Ports that must all answer before it counts as up; those of a protocol whose server speaks first must greet. */
  readonly ports: readonly { readonly port: number; readonly speaksFirst: boolean }[];
}

/** A server that can be stopped and started again, with the same configuration and ports. */
export interface Server {
  readonly pid: number | undefined;
  readonly log: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** More than a minute: so long Postfix waits before it tries a service again that ended as it began, on a machine that is busy with other things. */
const UP_LIMIT_MS = 75_000;

export function server(command: ServerCommand): Server {
  let child: ChildProcess | undefined;
  return {
    log: command.log,
    get pid() {
      return child?.pid;
    },
    async start() {
      if (child && child.exitCode === null && child.signalCode === null) return;
      const started = launch(command);
      child = started.process;
      try {
        await waitFor(
          `${command.name} to answer`,
          UP_LIMIT_MS,
          () => isUp(command, started),
          () => tail(command.log),
        );
      } catch (error) {
        await this.stop();
        throw error;
      }
    },
    async stop() {
      const stopping = child;
      child = undefined;
      if (stopping?.pid !== undefined && stopping.exitCode === null) await terminate(stopping.pid);
    },
  };
}

interface Launched {
  readonly process: ChildProcess;
  /** Why it ended, as soon as it has. */
  failure(): string | undefined;
}

function launch({ name, argv, log }: ServerCommand): Launched {
  const [file, ...args] = argv;
  const child = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Away from the terminal's process group: Ctrl-C reaches the lab, which then stops its servers in order.
    detached: true,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  let said = '';
  let ended: string | undefined;
  child.stderr.on('data', (data) => {
    said += data;
  });
  child.on('error', (error) => {
    ended = `${name} cannot run: ${error.message}`;
  });
  child.on('exit', (code, signal) => {
    ended ??= `${name} ended (${signal ?? code}): ${said}\n${tail(log)}`.trim();
  });
  child.unref();
  (child.stderr as unknown as { unref(): void }).unref();
  return { process: child, failure: () => ended };
}

async function isUp({ ports, pidFile }: ServerCommand, { process, failure }: Launched): Promise<boolean> {
  const why = failure();
  if (why) throw new Error(why);
  const written = () => pidFile !== undefined && existsSync(pidFile) && Number(readFileSync(pidFile, 'utf8'));
  if (pidFile !== undefined && written() !== process.pid) return false;
  for (const { port, speaksFirst } of ports) if (!(await greets(port, speaksFirst))) return false;
  return true;
}

function tail(log: string): string {
  return existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(-15).join('\n') : '';
}
