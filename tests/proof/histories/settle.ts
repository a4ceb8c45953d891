/** Brings everything back into order as an administrator would, waits until mandat says that it is, and compares. */
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../../../bridge/shared/failure.ts';
import { syncBySidecar } from '../../../bridge/sidecar/sync.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { configOf } from '../../servers/inside.ts';
import { forgetRepairs } from '../../servers/rows.ts';
import { refuses } from './eyes.ts';
import { Broken, beside, type History, type Round } from './history.ts';
import { judge } from './judge.ts';
import { lettersOnce } from './judge-records.ts';
import { comingInstants, type Model, maySendAs, settled } from './model.ts';
import { MAILBOXES } from './people.ts';
import { rowsIn, startSidecar, whoLocks } from './world.ts';

/** For a machine that is busy with other things. */
const LIMIT_MS = 180_000;

/** Nothing to do where nothing has changed since. Those that play beside it and want the same are waited for, and all settled at once. */
export async function settle(history: History): Promise<void> {
  const { round } = history;
  if (!history.dirty) return;
  if (round.inTurns || round.busy === 0) return settleAll(round.histories);
  await new Promise<void>((resolve, reject) => {
    const done = (error?: unknown) => (error === undefined ? resolve() : reject(error));
    round.waiting.push({ history, done });
    settleWaiting(round);
  });
}

/** Once nobody is in the middle of a step. */
export function settleWaiting(round: Round): void {
  if (round.waiting.length === 0 || round.waiting.length < round.busy) return;
  const waiting = round.waiting.splice(0);
  void settleEach(
    round,
    waiting.map(({ history }) => history),
  ).then(
    (errors) => {
      for (const [index, { done }] of waiting.entries()) done(errors[index]);
    },
    (error) => {
      for (const { done } of waiting) done(error);
    },
  );
}

export async function settleAll(histories: readonly History[]): Promise<void> {
  const round = histories[0]?.round;
  const dirty = histories.filter((one) => one.dirty);
  if (round === undefined || dirty.length === 0) return;
  const error = (await settleEach(round, dirty)).find((one) => one !== undefined);
  if (error !== undefined) throw error;
}

/** What is wrong with each; undefined: nothing. */
async function settleEach(round: Round, histories: readonly History[]): Promise<readonly unknown[]> {
  const { world } = round;
  world.wire.disarm();
  await Promise.all(histories.map(endsWithoutImap));
  world.wire.speak();
  await startSidecar(world);
  const now = Date.now();
  const instants = histories.flatMap(({ model }) => comingInstants(model.table, now));
  const last = Math.max(now, ...instants.filter((at) => at < now + 60_000));
  if (last > now) await delay(last - now + 1);
  await converged({ world }, { of: histories });
  round.trapped = undefined;
  const then = Date.now();
  const all = beside(histories[0] as History);
  const before = histories.map(({ model }) => model);
  const after = before.map((model) => settled(model, then, all));
  return Promise.all(
    histories.map(async (history, index) => {
      history.model = after[index] as Model;
      history.dirty = false;
      try {
        await judge(history, before[index] as Model);
        if (index === 0) lettersOnce(world);
        history.moved = false;
        return undefined;
      } catch (error) {
        if (error instanceof Broken) error.group ??= history.group.index;
        return error;
      }
    }),
  );
}

/** I1: while IMAP is silent a sender rule goes all the same. Where it is clear who has lost theirs. */
async function endsWithoutImap(history: History): Promise<void> {
  const { world, model, moved, group } = history;
  if (!world.wire.silent || world.sidecar === undefined || world.frozen || moved || model.fromThePast) return;
  const after = settled(model, Date.now(), beside(history));
  for (const { who, mailbox } of model.standing) {
    const address = model.table.address[mailbox];
    if (maySendAs(after, who, address)) continue;
    const what = `${who} may send as ${address} still, with IMAP silent`;
    await waitFor(what, LIMIT_MS, () => refuses(world.site, who, address, group)).catch((error: unknown) => {
      throw Object.assign(new Broken('I1', String((error as Error).message)), { group: group.index });
    });
  }
}

interface Pass {
  /** Lets go what is held. */
  readonly force?: boolean;
  /** Over these groups' mailboxes. Default: all. */
  readonly of?: readonly History[];
}

/** Passes over mailboxes, as `mandat sync` has them made by the sidecar, until one finds each in line. */
export async function converged(history: Pick<History, 'world'>, how: Pass = {}): Promise<void> {
  const { world } = history;
  const began = Date.now();
  for (;;) {
    forgetRepairs(world.site);
    const failed = await pass(history, how);
    if (failed.length === 0 && (await workedOff(world.site.table, began))) return;
    if (Date.now() - began > LIMIT_MS)
      throw new Broken('convergence', `not within ${LIMIT_MS} ms: ${failed.join('; ')}`);
    await startSidecar(world); // if it has ended by itself
    await delay(100);
  }
}

/** One pass over every mailbox that comes to its end: one that couldn't, with servers that are late, says nothing of what a converged system does. */
export async function oneMorePass(history: Pick<History, 'world'>): Promise<void> {
  const failed = await pass(history, {});
  if (failed.length > 0) throw new Error(`the last pass: ${failed.join('; ')}`);
}

/** Why it failed, of each mailbox where it did. */
async function pass({ world }: Pick<History, 'world'>, { force = false, of }: Pass): Promise<readonly string[]> {
  const mailboxIds = of === undefined || of.length === world.groups.length ? undefined : of.flatMap(mailboxesOf);
  try {
    const { results } = await syncBySidecar(configOf(world.site), { force, actor: 'proof', mailboxIds });
    return results.flatMap((one) => (one.kind === 'failed' ? [`${one.address}: ${one.failure.message}`] : []));
  } catch (error) {
    // A file that another process has locked for long, on a machine that is busy with other things: an administrator tries again.
    if (!(error instanceof Failure) || error.code !== 'retry') throw error;
    world.oddities.push(`a pass: ${error.message}\n${whoLocks(world)}`);
    return [error.message];
  }
}

const mailboxesOf = ({ world, group, model }: History): readonly number[] =>
  MAILBOXES.flatMap((name) =>
    rowsIn<{ id: number }>(
      world.site.table,
      'SELECT id FROM mailboxes WHERE address = ?',
      group.at(model.table.address[name]),
    ).map(({ id }) => id),
  );

/** The trail has taken over what the table's triggers wrote. */
async function workedOff(table: string, began: number): Promise<boolean> {
  while (rowsIn<{ n: number }>(table, 'SELECT count(*) AS n FROM events')[0]?.n !== 0) {
    if (Date.now() - began > LIMIT_MS) return false;
    await delay(10);
  }
  return true;
}
