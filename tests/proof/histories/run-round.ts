/** One round, from the reset world to the last settling. */
import { setTimeout as delay } from 'node:timers/promises';
import { quoted } from '../../../config/lab/raw-imap.ts';
import { entry, folder, message } from './by-hand.ts';
import { changeTable } from './change-table.ts';
import { ownSight } from './eyes.ts';
import { Broken, beside, type History, newRound, type Round } from './history.ts';
import type { Item } from './items.ts';
import { quiet } from './judge-records.ts';
import { leaves } from './model.ts';
import { accept, fromThePast } from './older-table.ts';
import { ACCOUNTS, DELEGATES, KEPT, MAILBOXES } from './people.ts';
import { converged, oneMorePass, settleAll, settleWaiting } from './settle.ts';
import { changesForOthers, shared } from './shared-steps.ts';
import { kindOf, type OwnStep } from './steps.ts';
import type { Watchers } from './watchers.ts';
import { asPerson, rowsIn, startSidecar, type World } from './world.ts';

/**
 * `steps`: how many did something, of all groups; a shared one counts for each of them. `at`: how many items there were when it broke, and in
 * whose history; `clean`: the world is at its beginning, and can be used again.
 */
export type Outcome =
  | { readonly kind: 'held'; readonly steps: number; readonly played: readonly ReadonlySet<string>[] }
  | {
      readonly kind: 'failed';
      readonly error: unknown;
      readonly at: number;
      readonly group: number | undefined;
      readonly clean: boolean;
    };

/** `again`: the world is brought back to its beginning after a failure too, where that can be done. */
export async function runRound(
  world: World,
  watchers: readonly Watchers[],
  items: readonly Item[],
  again = false,
): Promise<Outcome> {
  const round = newRound(world, watchers);
  await Promise.all(round.histories.map(({ watchers }) => watchers.afresh()));
  for (const history of round.histories)
    history.watchers.keen = (who) => leaves(history.model, who, Date.now(), beside(history));
  let at = 0;
  let done = 0;
  try {
    for (const item of items) {
      at++;
      done += await play(round, item);
    }
    for (const one of round.histories) one.dirty = true; // those too that had nothing to do with the last steps are looked at
    await settleAll(round.histories);
    await writesNothing(round);
    await reset(round);
    return { kind: 'held', steps: done, played: round.histories.map(({ played }) => played) };
  } catch (error) {
    const group = error instanceof Broken ? error.group : undefined;
    const where = `at item ${at}${group === undefined || round.histories.length === 1 ? '' : `, group ${group}`}`;
    const told = error instanceof Broken ? new Broken(error.invariant, `${where}: ${error.what}`) : error;
    return { kind: 'failed', error: told, at, group, clean: again && (await backToBeginning(round)) };
  }
}

/** How many steps did something. */
async function play(round: Round, item: Item): Promise<number> {
  const { histories } = round;
  if ('own' in item) return ownSteps(round, item.own);
  if (!(await shared(round, item.shared))) return 0;
  for (const one of histories) one.played.add(kindOf(item.shared) ?? item.shared.do);
  return histories.length;
}

async function ownSteps(round: Round, own: readonly (readonly OwnStep[])[]): Promise<number> {
  const all = round.histories.map((history, index) => ({ history, steps: own[index] ?? [] }));
  const errors: unknown[] = [];
  let done = 0;
  const playAll = async (history: History, steps: readonly OwnStep[]) => {
    try {
      for (const step of steps) {
        if (!(await perform(history, step))) continue;
        done++;
        const kind = kindOf(step);
        if (kind !== undefined) history.played.add(kind);
        if (round.inTurns) for (const one of round.histories) one.dirty = true;
      }
    } catch (error) {
      if (error instanceof Broken) error.group ??= history.group.index;
      errors.push(error);
    }
  };
  round.inTurns = changesForOthers(round);
  if (round.inTurns) {
    for (const { history, steps } of all) if (errors.length === 0) await playAll(history, steps);
    round.inTurns = false;
  } else {
    round.busy = all.length;
    await Promise.all(
      all.map(async ({ history, steps }) => {
        await playAll(history, steps);
        round.busy--;
        settleWaiting(round);
      }),
    );
  }
  if (errors.length > 0) throw errors[0];
  return done;
}

async function perform(history: History, step: OwnStep): Promise<boolean> {
  switch (step.do) {
    case 'folder':
      return folder(history, step);
    case 'entry':
      return entry(history, step);
    case 'message':
      return message(history, step);
    default: {
      const done = await changeTable(history, step);
      if (done) await mayBeSprung(history.world);
      return done;
    }
  }
}

/** A last pass that couldn't come to its end is made again, from what stands then. */
async function writesNothing({ world }: Round): Promise<void> {
  for (let time = 1; ; time++) {
    try {
      return await quiet(world, () => oneMorePass({ world }));
    } catch (error) {
      if (error instanceof Broken || time === 3) throw error;
      await converged({ world });
    }
  }
}

async function backToBeginning(round: Round): Promise<boolean> {
  const { world } = round;
  try {
    world.wire.disarm();
    world.wire.speak();
    await startSidecar(world);
    await reset(round);
    return true;
  } catch {
    return false; // it is thrown away then
  }
}

const TRAP_MS = 1_500;

/** What a change brings about is given the time to come to the trap. */
async function mayBeSprung({ wire, sidecar }: World): Promise<void> {
  const until = Date.now() + TRAP_MS;
  while (wire.armed && sidecar !== undefined && Date.now() < until) await delay(5);
}

/** Back to the beginning, by commands and sessions: no rows, no entries, no folders but the first. */
async function reset(round: Round): Promise<void> {
  const { world, histories } = round;
  const { site } = world;
  if (fromThePast(round)) await accept(round);
  const rows = histories.flatMap(({ group: { at }, model: { table } }) => [
    ...MAILBOXES.map(
      (name) =>
        `UPDATE mailbox SET address = '${at(name)}', login = '${at(name)}', eligible = 1 WHERE address = '${at(table.address[name])}';`,
    ),
    ...DELEGATES.map(
      (name) =>
        `UPDATE delegate SET login = '${at(name)}', state = 'active', credential_valid_until = NULL WHERE id = '${at(name)}';`,
    ),
  ]);
  await site.sql(`DELETE FROM delegation; ${rows.join(' ')}`);
  await converged({ world }, { force: true });
  const left = rowsIn<{ owner_login: string; login: string }>(site.stateFile, 'SELECT owner_login, login FROM ledger');
  if (left.length > 0) throw new Broken('I1', `left in the ledger at the end: ${JSON.stringify(left)}`);
  await Promise.all(histories.flatMap((history) => ACCOUNTS.map((account) => clear(history, account))));
}

async function clear({ world, group }: History, account: (typeof ACCOUNTS)[number]): Promise<void> {
  await asPerson(
    world.site,
    account,
    async (imap) => {
      const { folders } = await ownSight(imap, account, group);
      for (const name of folders.filter((one) => !KEPT.includes(one)).reverse())
        await imap.command(`DELETE ${quoted(name)}`);
      const { entries } = await ownSight(imap, account, group);
      const all = Object.entries(entries).flatMap(([name, there]) =>
        Object.keys(there).map((who) => [name, who] as const),
      );
      await Promise.all(all.map(([name, who]) => imap.send(`DELETEACL ${quoted(name)} ${quoted(who)}`)));
    },
    group,
  );
}
