/**
 * The sender rules as a text file, for OpenSMTPD, Exim and Postfix's texthash. It is written whole beside its place, brought to the
 * disk and renamed, so that nobody ever reads half of one; then its reader is told, where it reads a file once.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync, unwatchFile, watchFile } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Failure } from '../shared/failure.ts';
import { runTool } from '../shared/run-tool.ts';
import type { Published, SenderOutput } from './outputs.ts';
import { type FileFormat, loginsIn, written } from './text-formats.ts';

export interface RuleFile {
  readonly path: string;
  readonly format: FileFormat;
  readonly gid: number;
  readonly mode: number;
  /** A program and its arguments, run after each change. */
  readonly reload: readonly string[] | undefined;
  /** A file whose lines begin with a login each (see {@link written}). */
  readonly logins: string | undefined;
}

const RELOAD_LIMIT_MS = 30_000;
const LOGINS_POLL_MS = 2000;

export function ruleFile(file: RuleFile): SenderOutput {
  /** When all was right the last time: what it was made from, and what stood there. */
  let settled = '';
  /** What the reader has been told to read. Nothing yet in this process: the one before may have died before it said so. */
  let told = '';
  return {
    name: `the file ${file.path}`,
    follow: async (published) => {
      const from = `${published.version()} ${stamp(file.logins)}`; // before it is read: what changes meanwhile is another state
      if (`${from} ${stamp(file.path)}` === settled) return;
      const { text, refused } = textOf(file, published);
      if (!(await stands(file, text))) await replace(file, text);
      const sum = createHash('sha256').update(text).digest('base64');
      if (file.reload !== undefined && sum !== told) await tell(file.reload);
      told = sum;
      const [first] = refused;
      if (first !== undefined) {
        throw new Failure(
          'retry',
          `it can't hold the rule that ${JSON.stringify(first.login)} may send as ${JSON.stringify(first.address)}, and was written without`,
          'mandat publishes no such rule: somebody else has put it into sender.db; "mandat verify" names it',
        );
      }
      settled = `${from} ${stamp(file.path)}`;
    },
    watch: (changed) => {
      const { logins } = file;
      if (logins === undefined) return () => {};
      watchFile(logins, { interval: LOGINS_POLL_MS, persistent: false }, changed);
      return () => unwatchFile(logins, changed);
    },
  };
}

/** What should stand in the file. */
export function textOf({ format, logins }: Pick<RuleFile, 'format' | 'logins'>, { all }: Pick<Published, 'all'>) {
  return written(format, all(), logins === undefined ? [] : loginsIn(readFileSync(logins, 'utf8')));
}

/** Tells one state of a file from another, its modes too; empty where there is none. */
function stamp(path: string | undefined): string {
  const stat = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '' : [stat.ino, stat.mtimeMs, stat.ctimeMs, stat.size].join('/');
}

async function stands({ path, gid, mode }: RuleFile, text: string): Promise<boolean> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.gid !== gid || (stat.mode & 0o7777) !== mode) return false;
  return (await readFile(path, 'utf8')) === text;
}

async function replace({ path, gid, mode }: RuleFile, text: string): Promise<void> {
  const draft = `${dirname(path)}/.${basename(path)}.mandat`;
  await rm(draft, { force: true }); // what a sidecar that was killed has left
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.chown(process.getuid?.() ?? -1, gid);
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  const directory = await open(dirname(path));
  await directory.sync().finally(() => directory.close()); // the new name is to last as well
}

async function tell([program = '', ...args]: readonly string[]): Promise<void> {
  const { status, complaint } = await runTool(program, args, RELOAD_LIMIT_MS);
  if (status === 0) return;
  throw new Failure(
    'retry',
    `${program} failed, so that its reader may not know of them: ${complaint}`,
    'see [sender_rules] file_reload; it is run again with the next attempt',
  );
}
