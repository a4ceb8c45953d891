/** A pseudo-terminal with somebody sitting at it: util-linux's script(1) makes it, we type. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { within } from '../../config/lab/wait.ts';

export interface Seen {
  readonly status: number | null;
  /** Everything that appeared on the screen, escape sequences included. */
  readonly screen: string;
}

const LIMIT_MS = 60_000;

/**
 * Runs a command at a terminal.
 * @param keys typed once the screen shows `prompt`; typing nothing would wait for ever
 */
export const atTerminal = (argv: readonly string[], prompt?: RegExp, keys = '\r'): Promise<Seen> =>
  inConversation(argv, prompt === undefined ? [] : [[prompt, keys]]);

/** The same with several questions: each is waited for in its turn. */
export async function inConversation(
  argv: readonly string[],
  turns: readonly (readonly [prompt: RegExp, keys: string])[],
): Promise<Seen> {
  const line = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  // The test runner's wishes, not an administrator's. Node takes CI for a terminal without colours.
  const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...environment } = process.env;
  const child = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...environment, TERM: 'xterm', SHELL: '/bin/sh' },
  });
  let screen = '';
  let turn = 0;
  child.stdout.setEncoding('utf8').on('data', (text) => {
    screen += text;
    const [prompt, keys] = turns[turn] ?? [];
    if (prompt === undefined || keys === undefined || !prompt.test(screen)) return;
    turn++;
    child.stdin.write(keys);
  });
  const late = setTimeout(() => child.kill(), LIMIT_MS); // a question that nobody expected
  const closed = within(`the end of ${line}`, 2 * LIMIT_MS, once(child, 'close'), () => screen);
  const [status] = (await closed) as [number | null];
  clearTimeout(late);
  return { status, screen };
}

/** The screen as one reads it: without colours and cursor movements. */
export function readable({ screen }: Seen): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return screen.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '');
}
