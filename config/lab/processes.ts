import { readdirSync, readFileSync } from 'node:fs';
import { waitFor } from './wait.ts';

/**
 * The process and all below it, from /proc, and whoever is left of the session that it led: a child forked while its parent was
 * dying has another parent afterwards, and still holds the port it listens on. A zombie is nobody.
 */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  const found = isAlive(root) ? [root] : [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const origin = Number.isInteger(pid) ? originOf(pid) : undefined;
    if (origin === undefined || pid === root) continue;
    if (origin.session === root) found.push(pid);
    else children.set(origin.parent, [...(children.get(origin.parent) ?? []), pid]);
  }
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

export function isAlive(pid: number): boolean {
  return originOf(pid) !== undefined;
}

/**
 * SIGTERM to a server's master and its children, then waits until all are gone; SIGKILL for who is left at the limit.
 * The children are told too because Dovecot's master alone waits one to six seconds for its log process.
 */
export async function terminate(master: number, limitMs = 10_000): Promise<void> {
  const told = new Set<number>();
  const gone = () => {
    // Looked at anew each time: a child forked meanwhile would keep Dovecot's master waiting for it.
    const left = processTree(master);
    for (const pid of left) {
      if (told.has(pid)) continue;
      signal(pid, 'SIGTERM');
      told.add(pid);
    }
    return left.length === 0 && [...told].every((pid) => !isAlive(pid));
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

function originOf(pid: number): { readonly parent: number; readonly session: number } | undefined {
  try {
    // "pid (name) state parent group session ...": the name may hold spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : { parent: Number(parent), session: Number(session) };
  } catch {
    return undefined;
  }
}
