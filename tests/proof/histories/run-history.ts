/** One history, from the reset world to the last settling. */

import { quoted } from '../../../config/lab/raw-imap.ts';
import { at } from '../../servers/site.ts';
import { entry, folder, message } from './by-hand.ts';
import { accept, changeTable } from './change-table.ts';
import { ownSight } from './eyes.ts';
import { Broken, type History } from './history.ts';
import { lastEntry, quiet } from './judge-records.ts';
import { freshModel } from './model.ts';
import { ACCOUNTS, DELEGATES, FIXED, MAILBOXES } from './people.ts';
import { converged, settle } from './settle.ts';
import type { Step } from './steps.ts';
import type { Watchers } from './watchers.ts';
import { asPerson, endSidecar, freeze, rowsIn, startSidecar, thaw, type World } from './world.ts';

/** Throws {@link Broken}, or whatever else went wrong; the world is then to be thrown away. Returns how many steps did something. */
export async function runHistory(world: World, watchers: Watchers, steps: readonly Step[]): Promise<number> {
  await watchers.afresh();
  const history: History = {
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
    moved: false,
  };
  let done = 0;
  for (const [index, step] of steps.entries()) {
    try {
      if (await perform(history, step)) done++;
    } catch (error) {
      throw error instanceof Broken ? new Broken(error.invariant, `at step ${index + 1}: ${error.what}`) : error;
    }
  }
  await settle(history);
  await quiet(world);
  await reset(history);
  return done;
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
    case 'dovecot':
      await world.site.lab.stopDovecot();
      await world.site.lab.startDovecot();
      history.dirty = true;
      return true;
    case 'settle':
      await settle(history);
      return true;
    default:
      return changeTable(history, step);
  }
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
        const kept: readonly string[] = [...FIXED, 'Drafts', 'Junk', 'Sent', 'Trash'];
        for (const name of folders.filter((one) => !kept.includes(one)).reverse())
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
