/** How much memory a command takes that prints all there is. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { builtMandat } from '../../cli/built.ts';

export const LISTS: readonly (readonly string[])[] = [
  ['list'],
  ['--json', 'list'],
  ['mailbox', 'list'],
  ['delegate', 'list'],
  ['notices', 'list'],
];

const LOOK_MS = 20;

/** Peak resident memory in MB, as last seen before it ended. What it prints is read and thrown away. */
export async function listPeakMb(configFile: string, args: readonly string[]): Promise<number> {
  const [file = '', ...first] = await builtMandat();
  const child = spawn(file, [...first, '--config', configFile, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.resume();
  let kB = 0;
  const look = setInterval(() => {
    try {
      kB = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? kB);
    } catch {} // it has ended
  }, LOOK_MS);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(look);
  if (status !== 0) throw new Error(`mandat ${args.join(' ')} ended with ${status}`);
  return Math.round(kB / 1024);
}
