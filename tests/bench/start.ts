/**
 * How long a command takes from its start to its end, beside a Node that does nothing: the built program as it is shipped, with what V8 made of
 * it kept, as the build leaves it, on a site of one delegation whose servers nobody asks.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { builtDirectory, NODE } from '../cli/built.ts';
import { elapsed } from './ground.ts';
import { type Comparison, compare } from './pairs.ts';

const run = promisify(execFile);

const MAILBOX = 'alice@lab.test';
const DELEGATE = '810101026994';

/** What each may take of a bare Node's time, at most. */
export const AT_MOST: readonly (readonly [args: readonly string[], times: number])[] = [
  [['--version'], 2],
  [['--help'], 2],
  [['completion', 'bash'], 2],
  [['list'], 3],
  [['status'], 3],
  [['grant', MAILBOX, DELEGATE, '--acknowledge', '--no-wait'], 3],
];

export async function startFigures(pairs: number): Promise<readonly (Comparison & { readonly atMost: number })[]> {
  const built = await builtDirectory();
  const [node = '', ...first] = NODE;
  await run(node, [...first, path.join(built, 'cli/precompile.js')]);
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-start-'));
  const config = path.join(directory, 'mandat.toml');
  const mandat = async (...args: readonly string[]) => {
    const whole = [...first, path.join(built, 'cli/main.js'), '--config', config, ...args];
    // status says by its exit status that no sidecar runs
    await run(node, whole).catch((error: { code?: unknown; stderr?: string }) => {
      if (error.code !== 1 || args[0] !== 'status') throw error;
    });
  };
  try {
    const secret = path.join(directory, 'secret');
    await writeFile(secret, 'none\n', { mode: 0o600 });
    const imap = `[imap]\nhost = "127.0.0.1"\nport = 9\ntls = "none"\nadmin_user = "none"\nadmin_password_file = "${secret}"\n`;
    await writeFile(config, `data_dir = "${path.join(directory, 'data')}"\n${imap}`);
    await mandat('init');
    await mandat('delegate', 'add', DELEGATE, '--login', 'bob@lab.test', '--first-name', 'Bob', '--last-name', 'Lab');
    await mandat('mailbox', 'add', MAILBOX, '--kind', 'PER');
    const figures = [];
    for (const [args, atMost] of AT_MOST) {
      const figure = await compare(
        `mandat ${args.slice(0, args[0] === 'completion' ? 2 : 1).join(' ')}${args.includes('--no-wait') ? ' --no-wait' : ''}`,
        async () => {
          const took = await elapsed(() => mandat(...args));
          if (args[0] === 'grant') await mandat('revoke', MAILBOX, DELEGATE, '--yes', '--no-wait'); // so that the next one is the first too
          return took;
        },
        () => elapsed(async () => void (await run(node, [...first, '-e', '0']))),
        pairs,
      );
      figures.push({ ...figure, atMost });
    }
    return figures;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
