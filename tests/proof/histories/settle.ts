/** Brings everything back into order as an administrator would, waits until mandat says that it is, and compares. */
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../../../bridge/shared/failure.ts';
import { syncBySidecar } from '../../../bridge/sidecar/sync.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { configOf } from '../../servers/inside.ts';
import { forgetRepairs } from '../../servers/rows.ts';
import { refuses } from './eyes.ts';
import { Broken, type History } from './history.ts';
import { judge } from './judge.ts';
import { comingInstants, maySendAs, settled } from './model.ts';
import { rowsIn, startSidecar } from './world.ts';

/** For a machine that is busy with other things. */
const LIMIT_MS = 180_000;

/** Nothing to do where nothing has changed since. */
export async function settle(history: History): Promise<void> {
  if (!history.dirty) return;
  const { world } = history;
  world.wire.disarm();
  await endsWithoutImap(history);
  world.wire.speak();
  await startSidecar(world);
  const now = Date.now();
  const last = Math.max(now, ...comingInstants(history.model.table, now).filter((at) => at < now + 60_000));
  if (last > now) await delay(last - now + 1);
  await converged(history);
  const before = history.model;
  history.model = settled(before, Date.now());
  history.dirty = false;
  await judge(history, before);
  history.moved = false;
  history.trapped = undefined;
}

/** I1: while IMAP is silent a sender rule goes all the same. Where it is clear who has lost theirs. */
async function endsWithoutImap(history: History): Promise<void> {
  const { world, model, moved } = history;
  if (!world.wire.silent || world.sidecar === undefined || world.frozen || moved || model.fromThePast) return;
  const after = settled(model, Date.now());
  for (const { who, mailbox } of model.standing) {
    const address = model.table.address[mailbox];
    if (maySendAs(after, who, address)) continue;
    const what = `${who} may send as ${address} still, with IMAP silent`;
    await waitFor(what, LIMIT_MS, () => refuses(world.site, who, address)).catch((error: unknown) => {
      throw new Broken('I1', String((error as Error).message));
    });
  }
}

/** Passes over every mailbox, as `mandat sync` has them made by the sidecar, until one finds each in line. */
export async function converged(history: Pick<History, 'world'>, force = false): Promise<void> {
  const { world } = history;
  const began = Date.now();
  for (;;) {
    forgetRepairs(world.site);
    const failed = await pass(history, force);
    if (failed.length === 0 && (await workedOff(world.site.table, began))) return;
    if (Date.now() - began > LIMIT_MS)
      throw new Broken('convergence', `not within ${LIMIT_MS} ms: ${failed.join('; ')}`);
    await startSidecar(world); // if it has ended by itself
    await delay(100);
  }
}

/** One pass over every mailbox that comes to its end: one that couldn't, with servers that are late, says nothing of what a converged system does. */
export async function oneMorePass(history: Pick<History, 'world'>): Promise<void> {
  const failed = await pass(history, false);
  if (failed.length > 0) throw new Error(`the last pass: ${failed.join('; ')}`);
}

/** Why it failed, of each mailbox where it did. */
async function pass({ world }: Pick<History, 'world'>, force: boolean): Promise<readonly string[]> {
  try {
    const { results } = await syncBySidecar(configOf(world.site), { force, actor: 'proof' });
    return results.flatMap((one) => (one.kind === 'failed' ? [`${one.address}: ${one.failure.message}`] : []));
  } catch (error) {
    // A file that another process has locked for long, on a machine that is busy with other things: an administrator tries again.
    if (error instanceof Failure && error.code === 'retry') return [error.message];
    throw error;
  }
}

/** The trail has taken over what the table's triggers wrote. */
async function workedOff(table: string, began: number): Promise<boolean> {
  while (rowsIn<{ n: number }>(table, 'SELECT count(*) AS n FROM events')[0]?.n !== 0) {
    if (Date.now() - began > LIMIT_MS) return false;
    await delay(10);
  }
  return true;
}
