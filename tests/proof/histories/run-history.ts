/** One history, from the reset world to the last settling. */
import { setTimeout as delay } from 'node:timers/promises';
import { quoted } from '../../../config/lab/raw-imap.ts';
import { at } from '../../servers/site.ts';
import { entry, folder, message } from './by-hand.ts';
import { changeTable } from './change-table.ts';
import { ownSight } from './eyes.ts';
import { Broken, type History } from './history.ts';
import { lastEntry, quiet } from './judge-records.ts';
import { freshModel } from './model.ts';
import { accept } from './older-table.ts';
import { ACCOUNTS, DELEGATES, KEPT, MAILBOXES } from './people.ts';
import { converged, oneMorePass, settle } from './settle.ts';
import { kindOf, type Step } from './steps.ts';
import type { Watchers } from './watchers.ts';
import { asPerson, endSidecar, freeze, rowsIn, startSidecar, thaw, type World } from './world.ts';

/** `steps`: how many did something. `at`: how many there were when it broke; `clean`: the world is at its beginning, and can be used again. */
export type Outcome =
  | { readonly kind: 'held'; readonly steps: number; readonly played: ReadonlySet<string> }
  | { readonly kind: 'failed'; readonly error: unknown; readonly at: number; readonly clean: boolean };

/** `again`: the world is brought back to its beginning after a failure too, where that can be done. */
export async function runHistory(
  world: World,
  watchers: Watchers,
  steps: readonly Step[],
  again = false,
): Promise<Outcome> {
  const history = await begin(world, watchers);
  let at = 0;
  let done = 0;
  try {
    for (const step of steps) {
      at++;
      if (!(await perform(history, step))) continue;
      done++;
      const kind = kindOf(step);
      if (kind !== undefined) history.played.add(kind);
    }
    await settle(history);
    await writesNothing(history);
    await reset(history);
    return { kind: 'held', steps: done, played: history.played };
  } catch (error) {
    const told = error instanceof Broken ? new Broken(error.invariant, `at step ${at}: ${error.what}`) : error;
    return { kind: 'failed', error: told, at, clean: again && (await backToBeginning(history)) };
  }
}

/** A last pass that couldn't come to its end is made again, from what stands then. */
async function writesNothing(history: History): Promise<void> {
  for (let time = 1; ; time++) {
    try {
      return await quiet(history.world, () => oneMorePass(history));
    } catch (error) {
      if (error instanceof Broken || time === 3) throw error;
      await converged(history);
    }
  }
}

async function backToBeginning(history: History): Promise<boolean> {
  const { world } = history;
  try {
    world.wire.disarm();
    world.wire.speak();
    await startSidecar(world);
    await reset(history);
    return true;
  } catch {
    return false; // it is thrown away then
  }
}

async function begin(world: World, watchers: Watchers): Promise<History> {
  await watchers.afresh();
  return {
    world,
    watchers,
    model: freshModel(),
    dirty: true,
    saved: undefined,
    hand: new Map(),
    everByHand: new Map(),
    against: new Map(),
    foreign: new Map(),
    counts: { grant: 0, revoke: 0 },
    trailFrom: lastEntry(world),
    began: Date.now(),
    settledAt: Date.now(),
    settledTrail: lastEntry(world),
    trapped: undefined,
    moved: false,
    played: new Set(),
  };
}

async function perform(history: History, step: Step): Promise<boolean> {
  const { world } = history;
  switch (step.do) {
    case 'folder':
      return folder(history, step);
    case 'entry':
      return entry(history, step);
    case 'message':
      return message(history, step);
    case 'kill':
      await endSidecar(world, 'SIGKILL');
      history.dirty = true;
      return true;
    case 'stop':
      await endSidecar(world, 'SIGTERM');
      history.dirty = true;
      return true;
    case 'start':
      if (world.sidecar !== undefined) return false;
      await startSidecar(world);
      return true;
    case 'freeze':
      freeze(world);
      history.dirty = true;
      return true;
    case 'thaw':
      thaw(world);
      return true;
    case 'cut':
      world.wire.cut();
      history.dirty = true;
      return true;
    case 'deaf':
      world.wire.silence();
      history.dirty = true;
      return true;
    case 'trap':
      return setTrap(history, step);
    case 'dovecot':
      await world.site.lab.stopDovecot();
      await world.site.lab.startDovecot();
      history.dirty = true;
      return true;
    case 'postfix':
      await world.site.lab.stopPostfix();
      await world.site.lab.startPostfix();
      return true;
    case 'settle':
      await settle(history);
      return true;
    default: {
      const done = await changeTable(history, step);
      if (done) await mayBeSprung(world);
      return done;
    }
  }
}

function setTrap(history: History, { command, nth, side, does }: Extract<Step, { do: 'trap' }>): boolean {
  const { world } = history;
  if (world.sidecar === undefined || world.frozen || world.wire.silent) return false;
  const sprung = (line: string) => {
    history.trapped = line;
    history.dirty = true;
    if (does === 'kill') void endSidecar(world, 'SIGKILL');
    else if (does === 'cut') world.wire.cut();
    else world.wire.silence();
  };
  world.wire.arm({ command, nth, side, sprung });
  return true;
}

const TRAP_MS = 1_500;

/** What a change brings about is given the time to come to the trap. */
async function mayBeSprung({ wire, sidecar }: World): Promise<void> {
  const until = Date.now() + TRAP_MS;
  while (wire.armed && sidecar !== undefined && Date.now() < until) await delay(5);
}

/** Back to the beginning, by commands and sessions: no rows, no entries, no folders but the first. */
async function reset(history: History): Promise<void> {
  const { world, model } = history;
  const { site } = world;
  if (model.fromThePast) await accept(history);
  const mailboxes = MAILBOXES.map(
    (name) =>
      `UPDATE mailbox SET address = '${at(name)}', login = '${at(name)}', eligible = 1 WHERE address = '${at(model.table.address[name])}';`,
  );
  const delegates = DELEGATES.map(
    (name) =>
      `UPDATE delegate SET login = '${at(name)}', state = 'active', credential_valid_until = NULL WHERE id = '${at(name)}';`,
  );
  await site.sql(`DELETE FROM delegation; ${mailboxes.join(' ')} ${delegates.join(' ')}`);
  await converged(history, true);
  const left = rowsIn<{ owner_login: string; login: string }>(site.stateFile, 'SELECT owner_login, login FROM ledger');
  if (left.length > 0) throw new Broken('I1', `left in the ledger at the end: ${JSON.stringify(left)}`);
  await Promise.all(
    ACCOUNTS.map((account) =>
      asPerson(site, account, async (imap) => {
        const { folders } = await ownSight(imap, account);
        for (const name of folders.filter((one) => !KEPT.includes(one)).reverse())
          await imap.command(`DELETE ${quoted(name)}`);
        const { entries } = await ownSight(imap, account);
        const all = Object.entries(entries).flatMap(([name, there]) =>
          Object.keys(there).map((who) => [name, who] as const),
        );
        await Promise.all(all.map(([name, who]) => imap.send(`DELETEACL ${quoted(name)} ${quoted(who)}`)));
      }),
    ),
  );
}
