/** Asking the servers' own programs (doveconf, postconf, postmap, sqlite3), none of which may keep us waiting. */
import { type ExecFileException, execFile } from 'node:child_process';
import { asRoot } from './unix-user.ts';

export interface ToolAnswer {
  /** Undefined when the program isn't there, or didn't end in time. */
  readonly status: number | undefined;
  readonly missing: boolean;
  readonly stdout: string;
  /** The first line that it wrote on standard error; may be empty. */
  readonly said: string;
  /** Why it failed, never empty when it did. */
  readonly complaint: string;
}

const TIMEOUT_MS = 10_000;
/** Debian's users have no sbin in their PATH. */
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin';

export function runTool(program: string, args: readonly string[], timeoutMs = TIMEOUT_MS): Promise<ToolAnswer> {
  return new Promise((resolve) => {
    const options = {
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: 64 << 20,
      cwd: '/',
      env: { PATH, LC_ALL: 'C', HOME: '/nonexistent' },
    } as const;
    const ended = (error: ExecFileException | null, stdout: string, stderr: string) => {
      const said = stderr.split('\n').find((line) => line.trim() !== '') ?? '';
      if (error === null) return resolve({ status: 0, missing: false, stdout, said, complaint: '' });
      const status = typeof error.code === 'number' ? error.code : undefined;
      const late = error.killed === true ? `no answer within ${timeoutMs / 1000} s` : '';
      const complaint = [late, said].filter((part) => part !== '').join(': ') || `${program}: ${error.code}`;
      resolve({ status, missing: error.code === 'ENOENT', stdout, said, complaint });
    };
    const child = asRoot(() => execFile(program, args, options, ended));
    child.stdin?.end();
  });
}
