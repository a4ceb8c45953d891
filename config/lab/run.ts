/** A program run to its end, which must come. */
import { type ExecFileOptions, execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** As long as the slowest (a compiler, a package unpacked) takes on a machine that has much to do, and more. */
const LIMIT_MS = 120_000;

/** Rejects when it fails, and when it has not ended within the limit: the error says which. `input`: all that it reads. */
export async function run(
  file: string,
  args: readonly string[],
  { input = '', ...options }: ExecFileOptions & { readonly input?: string } = {},
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const started = promisify(execFile)(file, args, {
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    ...options,
    encoding: 'utf8',
  });
  started.child.stdin?.on('error', () => {}); // it may have ended without reading
  started.child.stdin?.end(input);
  try {
    return await started;
  } catch (error) {
    if ((error as { killed?: boolean }).killed !== true) throw error;
    throw new Error(`not within ${options.timeout ?? LIMIT_MS} ms: the end of ${[file, ...args].join(' ')}`);
  }
}
