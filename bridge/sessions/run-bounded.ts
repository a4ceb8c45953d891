/**
 * A program of the site's, run as a list of words by no shell. Whatever it does, it keeps nobody: time and output are bounded, and one
 * that doesn't end is left behind (it may run as another user, whom we can't kill).
 */
import { type SpawnOptionsWithStdioTuple, spawn } from 'node:child_process';
import { asRoot } from '../shared/unix-user.ts';

/** `status`: the exit status, or why there is none. */
export interface Ran {
  readonly status: number | 'missing' | 'denied' | 'late' | 'too much' | 'killed';
  readonly stdout: string;
  /** The first line that it wrote on standard error, shortened. */
  readonly said: string;
}

/** A list of sessions has some ten bytes a line. */
const MOST_OUTPUT = 1024 * 1024;
const LONGEST_SAID = 200;
/** Debian's users have no sbin in their PATH. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin', LC_ALL: 'C' };

export function runBounded([program = '', ...args]: readonly string[], timeoutMs: number): Promise<Ran> {
  return new Promise((resolve) => {
    const options: SpawnOptionsWithStdioTuple<'ignore', 'pipe', 'pipe'> = {
      ...forGood(),
      cwd: '/',
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own, so that what it has started ends with it
    };
    const child = asRoot(() => spawn(program, args, options));
    const out = { stdout: '', stderr: '' };
    const settle = (status: Ran['status']) => {
      clearTimeout(timer);
      const said = (out.stderr.split('\n').find((line) => line.trim() !== '') ?? '').trim().slice(0, LONGEST_SAID);
      resolve({ status, stdout: out.stdout, said });
    };
    const leave = (status: Ran['status']) => {
      killGroup(child.pid);
      child.stdout.destroy(); // whoever outlives it may hold the other end
      child.stderr.destroy();
      child.unref();
      settle(status);
    };
    const timer = setTimeout(() => leave('late'), timeoutMs);
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (part: string) => {
        out[stream] += part;
        if (out[stream].length > MOST_OUTPUT) leave('too much');
      });
    }
    child.on('error', (error: NodeJS.ErrnoException) => settle(error.code === 'ENOENT' ? 'missing' : 'denied'));
    child.on('close', (code) => settle(code ?? 'killed'));
  });
}

/** A doctor of root's acts as the user whose data these are, and could become root again: what it starts here can't. */
function forGood(): { uid?: number; gid?: number } {
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
  return process.getuid?.() === 0 && uid !== undefined && uid !== 0 ? { uid, ...(gid !== undefined && { gid }) } : {};
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ended meanwhile, or another user's
  }
}
