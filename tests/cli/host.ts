/**
 * A process that calls the `mandat` command as often as it is asked, one call after the other (warm.ts). What a call has left open
 * (a timer, a socket, a database's lock) would keep a process of its own from ending, so here too it ends only when nothing is.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { invoke } from '../../cli/invoke.ts';

export interface Call {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export interface Called {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As long as tests wait for the end of a process. */
const OPEN_LIMIT_MS = 30_000;

const written = { stdout: '', stderr: '' };
for (const name of ['stdout', 'stderr'] as const) {
  const write = (text: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    written[name] += typeof text === 'string' ? text : Buffer.from(text).toString();
    const then = typeof encoding === 'function' ? encoding : done;
    if (typeof then === 'function') process.nextTick(then as () => void);
    return true;
  };
  process[name].write = write as typeof process.stdout.write;
}

/** What keeps the process alive, beside what it waits for calls with. */
function open(): readonly string[] {
  const idle = [...atRest];
  return process.getActiveResourcesInfo().filter((what) => {
    const at = idle.indexOf(what);
    if (at !== -1) idle.splice(at, 1);
    return at === -1;
  });
}
let atRest: readonly string[] = [];

async function call({ args, env, cwd }: Call): Promise<Called> {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  process.exitCode = undefined;
  written.stdout = '';
  written.stderr = '';
  await invoke(args);
  for (const until = Date.now() + OPEN_LIMIT_MS; open().length > 0; await delay(2))
    if (Date.now() > until) throw new Error(`still open after the command: ${open().join(', ')}`);
  return { status: Number(process.exitCode ?? 0), ...written };
}

process.on('message', (request: Call) => {
  if (atRest.length === 0) atRest = process.getActiveResourcesInfo();
  call(request).then(
    (called) => process.send?.(called),
    (error: unknown) => process.send?.({ status: 70, stdout: written.stdout, stderr: String(error) }),
  );
});
