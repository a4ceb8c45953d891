/** Brings everything back into order as an administrator would, waits until mandat says that it is, and compares. */
import { setTimeout as delay } from 'node:timers/promises';
import { syncBySidecar } from '../../../bridge/sidecar/sync.ts';
import { configOf } from '../../servers/inside.ts';
import { forgetRepairs } from '../../servers/rows.ts';
import { Broken, type History } from './history.ts';
import { judge } from './judge.ts';
import { comingInstants, settled } from './model.ts';
import { rowsIn, startSidecar } from './world.ts';

const LIMIT_MS = 40_000;

/** Nothing to do where nothing has changed since. */
export async function settle(history: History): Promise<void> {
  if (!history.dirty) return;
  const { world } = history;
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
}

/** A pass over every mailbox, as `mandat sync` has it made by the sidecar, until one finds each in line. */
export async function converged({ world }: Pick<History, 'world'>, force = false): Promise<void> {
  const config = configOf(world.site);
  const began = Date.now();
  for (;;) {
    forgetRepairs(world.site);
    const { results } = await syncBySidecar(config, { force, actor: 'proof' });
    const failed = results.flatMap((one) => (one.kind === 'failed' ? [`${one.address}: ${one.failure.message}`] : []));
    if (failed.length === 0 && (await workedOff(world.site.table, began))) return;
    if (Date.now() - began > LIMIT_MS)
      throw new Broken('convergence', `not within ${LIMIT_MS} ms: ${failed.join('; ')}`);
    await delay(100);
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
