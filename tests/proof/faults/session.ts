/** Many faults in one world, and what all of them together come to. */
import { readdirSync } from 'node:fs';
import { waitFor } from '../../../config/lab/wait.ts';
import { Broken } from '../histories/history.ts';
import { quiet } from '../histories/judge-records.ts';
import { settle } from '../histories/settle.ts';
import { judgeAtRest, type RestFigures } from './at-rest.ts';
import { type FaultyWorld, PLACES } from './faulty-world.ts';
import { copiesStored, described, inject, type Planned, undisturbed } from './inject.ts';
import type { Measures } from './plan.ts';

export interface Figures extends RestFigures {
  /** Faults that were set, and those that came to it before the change was through. */
  set: number;
  happened: number;
  /** After which `status` named what failed and when it is tried again. */
  told: number;
  /** The greatest part of the time that the sidecar's processor time took while a fault was there. */
  busiest: number;
}

export const noFigures = (): Figures => ({
  set: 0,
  happened: 0,
  told: 0,
  busiest: 0,
  idle: 0,
  memory: { first: 0, last: 0 },
});

/** Grants and revokes that nothing disturbs: how much there is to disturb, the most of it. */
export async function measure(faulty: FaultyWorld): Promise<Measures> {
  const all = Object.fromEntries(PLACES.map((place) => [place, { client: 0, server: 0, commands: 0 }]));
  for (let change = 0; change < 4; change++) {
    for (const place of PLACES) faulty.wires[place].clear();
    await undisturbed(faulty);
    for (const place of PLACES) {
      const { passed, commands } = faulty.wires[place];
      const known = all[place];
      if (known === undefined) continue;
      known.client = Math.max(known.client, passed.client);
      known.server = Math.max(known.server, passed.server);
      known.commands = Math.max(known.commands, commands);
    }
  }
  return all as unknown as Measures;
}

/** Every so many faults everybody is looked at, what was recorded is counted, and the sidecar is watched while it has nothing to do. */
const TOGETHER = 10;
/** Of one processor. Work after a fault is short; a loop without a pause would take all of it. */
const TOO_BUSY = 0.8;

/** Throws {@link Broken} at the first that isn't as it must be. */
export async function survive(
  faulty: FaultyWorld,
  faults: Iterable<Planned>,
  figures: Figures,
  goesOn: () => boolean,
): Promise<void> {
  const { world, history } = faulty;
  const pid = world.sidecar?.pid ?? -1;
  let since = 0;
  const together = async () => {
    since = 0;
    await settle(history);
    await quiet(world);
    const { taken } = faulty.messages;
    await waitFor(
      `${taken} messages that were taken are out`,
      60_000,
      () => readdirSync(world.site.lab.outside).length >= taken,
    );
    await copiesStored(faulty);
    await judgeAtRest(pid, figures);
  };
  for (const fault of faults) {
    if (!goesOn()) break;
    const { happened, told, busy } = await inject(faulty, fault);
    figures.set++;
    if (happened) figures.happened++;
    if (told) figures.told++;
    figures.busiest = Math.max(figures.busiest, busy);
    if (busy > TOO_BUSY) throw new Broken('rest', `${described(fault)}: ${busy} of the time`);
    if (++since >= TOGETHER) await together();
  }
  await together();
}
