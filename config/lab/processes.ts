import { readdirSync, readFileSync } from 'node:fs';
import { waitFor } from './wait.ts';

/** The process and all below it, from /proc. A zombie is nobody. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? parentOf(pid) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = isAlive(root) ? [root] : [];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

export function isAlive(pid: number): boolean {
  return parentOf(pid) !== undefined;
}

/**
 * SIGTERM to a server's master and its children, then waits until all are gone; SIGKILL for who is left at the limit.
 * The children are told too because Dovecot's master alone waits one to six seconds for its log process.
 */
export async function terminate(master: number, limitMs = 10_000): Promise<void> {
  const told = new Set<number>();
  const gone = () => {
    // Looked at anew each time: a child forked meanwhile would keep Dovecot's master waiting for it.
    for (const pid of processTree(master)) {
      if (told.has(pid)) continue;
      signal(pid, 'SIGTERM');
      told.add(pid);
    }
    return [...told].every((pid) => !isAlive(pid));
  };
  await waitFor(`end of process ${master}`, limitMs, gone).catch(async () => {
    for (const pid of told) signal(pid, 'SIGKILL');
    await waitFor(`end of killed processes ${[...told].join(' ')}`, limitMs, gone);
  });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function parentOf(pid: number): number | undefined {
  try {
    // "pid (name) state parent ...": the name may hold spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}
