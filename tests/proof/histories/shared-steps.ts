/** Steps that touch the server or the whole table, and so every group at once; each history knows of them. */
import { change } from './change-table.ts';
import { heldOf, type Round } from './history.ts';
import { rowOf, samePair } from './model.ts';
import { accept, fromThePast, restore, save } from './older-table.ts';
import { MAX_PAIRS } from './people.ts';
import { settleAll } from './settle.ts';
import type { SharedStep, Step } from './steps.ts';
import { endSidecar, freeze, startSidecar, thaw } from './world.ts';

/** False: it fits nothing here, and nothing was done. */
export async function shared(round: Round, step: SharedStep): Promise<boolean> {
  const { world, histories } = round;
  const touched = () => {
    for (const one of histories) one.dirty = true;
    return true;
  };
  switch (step.do) {
    case 'wave':
      return wave(round, step);
    case 'letGo':
      return letGo(round);
    case 'save':
      return save(round);
    case 'restore':
      return restore(round, step.how ?? 'settled');
    case 'accept':
      await settleAll(histories);
      if (!fromThePast(round)) return false;
      await accept(round);
      return true;
    case 'kill':
      await endSidecar(world, 'SIGKILL');
      return touched();
    case 'stop':
      await endSidecar(world, 'SIGTERM');
      return touched();
    case 'start':
      if (world.sidecar !== undefined) return false;
      await startSidecar(world);
      return true;
    case 'freeze':
      if (world.sidecar === undefined || world.frozen) return false;
      freeze(world);
      return touched();
    case 'thaw':
      if (!world.frozen) return false;
      thaw(world);
      return true;
    case 'cut':
      world.wire.cut();
      return touched();
    case 'deaf':
      world.wire.silence();
      return touched();
    case 'trap':
      return setTrap(round, step);
    case 'dovecot':
      await world.site.lab.stopDovecot();
      await world.site.lab.startDovecot();
      return touched();
    case 'postfix':
      await world.site.lab.stopPostfix();
      await world.site.lab.startPostfix();
      return true;
    case 'settle':
      await settleAll(histories);
      return true;
  }
}

/** Most rows of every group go at once, in one statement. */
async function wave(round: Round, { spare }: Extract<Step, { do: 'wave' }>): Promise<boolean> {
  const { world, histories } = round;
  await settleAll(histories);
  const all = histories.map((history) => ({
    history,
    going: history.model.table.rows.filter((row) => spare === undefined || !samePair(row, spare)),
  }));
  if (all.every(({ going }) => going.length === 0)) return false;
  const spared = histories.flatMap(({ model, group }) => {
    const row = spare && rowOf(model.table, spare);
    if (row === undefined) return [];
    return [`(mailbox = '${group.at(model.table.address[row.mailbox])}' AND delegate = '${group.at(row.delegate)}')`];
  });
  await world.site.sql(`DELETE FROM delegation${spared.length === 0 ? '' : ` WHERE NOT (${spared.join(' OR ')})`}`);
  for (const { history, going } of all) {
    change(history, (to) => {
      to.rows = to.rows.filter((row) => !going.some((one) => samePair(row, one)));
    });
    if (history.counts !== undefined) history.counts.revoke += going.length;
  }
  return true;
}

async function letGo({ world, histories }: Round): Promise<boolean> {
  await settleAll(histories);
  const all = histories.map((history) => ({ history, held: heldOf(history) }));
  if (all.every(({ held }) => held.length === 0)) return false;
  const { status, stderr } = await world.site.mandat('sync', '--force');
  if (status !== 0) throw new Error(`mandat sync --force: ${status} ${stderr}`);
  for (const { history, held } of all) {
    history.model = { ...history.model, askedFor: held };
    history.dirty = true;
  }
  return true;
}

function setTrap(round: Round, { command, nth, side, does }: Extract<Step, { do: 'trap' }>): boolean {
  const { world, histories } = round;
  if (world.sidecar === undefined || world.frozen || world.wire.silent) return false;
  const sprung = (line: string) => {
    round.trapped = line;
    for (const one of histories) {
      one.dirty = true;
      one.played.add(`trap, sprung: ${does} at ${command}`);
    }
    if (does === 'kill') void endSidecar(world, 'SIGKILL');
    else if (does === 'cut') world.wire.cut();
    else world.wire.silence();
  };
  world.wire.arm({ command, nth, side, sprung });
  return true;
}

/** Whether what one group does with its rows may change what becomes of another's. */
export function changesForOthers({ histories }: Round): boolean {
  if (histories.length === 1) return false;
  return histories.some(
    (one) =>
      heldOf(one).length > 0 ||
      one.model.standing.filter((access) => !rowOf(one.model.table, access)).length > MAX_PAIRS,
  );
}
