/**
 * An explicit revoke beside a first pass that is going on, and the same on a site with an empty queue: from its commit to the BYE. Each in turn, and while
 * one site is measured the sidecar of the other stands still: two would share the processors.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { openDelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { revoke } from '../../../bridge/store/table/delegations.ts';
import { at, type Site, startSite } from '../../servers/site.ts';
import { type Comparison, compare } from '../pairs.ts';
import { delegate, EACH, owner, putLargeTable } from './large-table.ts';

export interface BesideFirstPass {
  readonly compared: Comparison;
  /** Mailboxes that nobody had worked off yet: before the first revoke, and after the last. */
  readonly waiting: readonly [before: number, after: number];
}

/** @param mailboxes of ten delegations each, which the busy site begins to work off */
export async function besideFirstPassFigures(mailboxes: number, pairs: number): Promise<BesideFirstPass> {
  const busy = await ground(mailboxes, pairs + 1);
  const quiet = await ground(0, pairs + 1);
  try {
    await quiet.begin();
    await busy.begin();
    const before = await busy.waiting();
    const compared = await compare(
      `a revoke, BYE seen, beside a first pass over ${mailboxes.toLocaleString('en')} mailboxes`,
      () => alone(quiet, busy.revoke),
      () => alone(busy, quiet.revoke),
      pairs,
    );
    return { compared, waiting: [before, await busy.waiting()] };
  } finally {
    await busy.stop();
    await quiet.stop();
  }
}

type Ground = Awaited<ReturnType<typeof ground>>;

/** How long a site has, once the other stands still or goes on again, to be as it is. */
const SETTLES_MS = 500;

async function alone(other: Ground, work: () => Promise<number>): Promise<number> {
  other.signal('SIGSTOP');
  try {
    await pause(SETTLES_MS);
    return await work();
  } finally {
    other.signal('SIGCONT');
  }
}

async function ground(mailboxes: number, revokes: number) {
  const own = Array.from({ length: revokes }, (_, n) => [`alice${n}`, `bob${n}`] as const);
  const others = Array.from({ length: mailboxes }, (_, n) => [owner(n), delegate(n)]);
  const site = await startSite({ reuse: false, users: [...own, ...others].flat(), postfix: false });
  if (mailboxes > 0) putLargeTable(site.lab.directory, mailboxes * EACH, 'never worked off');
  for (const [one, other] of own) {
    await site.register(one, other);
    const granted = await site.mandat('grant', at(one), at(other));
    if (granted.status !== 0) throw new Error(`grant: ${granted.stdout}${granted.stderr}`);
  }
  const sessions = await Promise.all(own.map((pair) => opened(site, ...pair)));
  const written = openDelegationDb(site.table);
  let pid = 0;
  let next = 0;
  return {
    begin: async () => {
      pid = (await site.run()).pid;
    },
    signal: (signal: 'SIGSTOP' | 'SIGCONT') => process.kill(pid, signal),
    waiting: async () => Number(await site.sql('SELECT count(*) FROM pending')),
    /** Of one pair after the other. */
    revoke: async () => {
      const [one = '', other = ''] = own[next] ?? [];
      const session = sessions[next++];
      await revoke(written, { actor: 'admin:bench' }, at(one), at(other));
      const began = performance.now();
      await session?.waitForBye(120_000);
      return performance.now() - began;
    },
    stop: async () => {
      await written.close();
      await site.stop();
    },
  };
}

async function opened(site: Site, one: string, other: string) {
  const open = await site.login(other);
  const { status, text } = await open.command(`SELECT "shared/${at(one)}"`);
  if (status !== 'OK') throw new Error(`the delegate can't open the mailbox: ${text}`);
  return open;
}
