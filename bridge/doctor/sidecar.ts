/** Whether a sidecar works on these databases, and how long ago it has looked at everything. */

import { readFileSync } from 'node:fs';
import { workersOn } from '../configured/stores.ts';
import { paused, pauseSentence, RESUME_HINT } from '../safeguards/pause.ts';
import { Failure } from '../shared/failure.ts';
import { configDifference, lastSidecar } from '../sidecar/running-config.ts';
import { isLocked } from '../store/files/lock.ts';
import { fact } from '../store/state/facts.ts';
import { ownState } from './databases.ts';
import type { Subject } from './examined-site.ts';
import { dataDirectory } from './files.ts';
import { type Check, ok, skipped, warn } from './finding.ts';

/** Whether a sidecar, or a command's own pass, works on these databases. */
export function runs({ files: { lock } }: Subject): boolean {
  try {
    return isLocked(lock);
  } catch (error) {
    throw new Failure(
      'config',
      `whether one is running can't be seen at ${lock}: ${(error as Error).message}`,
      'run the doctor as root; stop the sidecar and remove the file if it is no lock: it is made anew',
      { cause: error },
    );
  }
}

export const sidecar: Check = {
  name: 'sidecar',
  needs: [dataDirectory, ownState],
  look: async (subject) => {
    if (!runs(subject)) {
      return warn(
        'none is running: rows are kept, and nothing is done about them',
        'systemctl enable --now mandat, or "mandat run"',
      );
    }
    const pid = holder(subject);
    const workers = await workersOn(subject.config);
    const standsBy = workers?.standBy.find((one) => one.pid === pid);
    if (workers?.works !== undefined && standsBy !== undefined) {
      const { works } = workers;
      return ok(`process ${pid} stands by, since ${standsBy.since}; process ${works.pid} on ${works.host} works`);
    }
    const last = await lastSidecar(await subject.state());
    if (last.pid !== pid) return ok(`process ${pid ?? '?'} works on the databases, and is no sidecar: "mandat sync"`);
    const outdated = configDifference(last, subject.config);
    if (outdated !== undefined) return warn(outdated, 'systemctl reload mandat, or send it a SIGHUP');
    return ok(`process ${pid}, since ${last.since}`);
  },
};

/** Of the lock; undefined for who may not read it. */
function holder({ files: { lock } }: Subject): number | undefined {
  try {
    return Number(readFileSync(`${lock}.pid`, 'utf8'));
  } catch {
    return undefined;
  }
}

export const pause: Check = {
  name: 'pause',
  needs: [ownState],
  look: async (subject) => {
    const how = await paused(await subject.state());
    return how === undefined
      ? ok('the servers are written to')
      : warn(
          pauseSentence(how, (at) => at),
          RESUME_HINT,
        );
  },
};

/** One sweep may be late because mailboxes are slow; two are not. */
const LATE_SWEEPS = 2;

export const sweep: Check = {
  name: 'sweep',
  needs: [sidecar],
  look: async (subject) => {
    if (!runs(subject)) return skipped('no sidecar is running');
    const { sweepIntervalMinutes } = subject.config.schedule;
    if ((await paused(await subject.state())) !== undefined) return skipped('it is paused');
    const last = await fact(await subject.state(), 'sweep');
    const { since } = await lastSidecar(await subject.state());
    const waited = subject.now().getTime() - Date.parse(last ?? since ?? subject.now().toISOString());
    const seen = last === undefined ? 'the first one is not done yet' : `the last one ended at ${last}`;
    if (waited <= LATE_SWEEPS * sweepIntervalMinutes * 60_000) return ok(seen);
    return warn(
      `${seen}, and every ${sweepIntervalMinutes} minutes there should be one`,
      '"mandat status" names what fails or waits, and says how far the sweep has come; where there are more people than [schedule] sweep_logins_per_second lets it log in as in that time, raise it, or the interval',
    );
  },
};
