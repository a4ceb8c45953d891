/** Which configuration the running sidecar has, noted so that others can tell whether the file has changed since. */

import { createHash } from 'node:crypto';
import type { Config } from '../../config/schema.ts';
import { type Home, homeOf } from '../safeguards/renamed-server.ts';
import type { LoopHolds } from '../shared/loop-holds.ts';
import { fact, setFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';

/** What is kept of the sidecar that last ran. */
export interface LastSidecar extends Home {
  readonly pid?: number;
  readonly since?: string;
  /** Of its configuration: the file, and a digest of what it means. */
  readonly config?: Noted;
}

interface Noted {
  readonly file: string;
  readonly digest: string;
}

export async function noteSidecar(state: StateDb, config: Config, since: string): Promise<void> {
  const noted: LastSidecar = { pid: process.pid, since, config: note(config), ...homeOf(config) };
  await setFact(state, 'sidecar', JSON.stringify(noted));
}

export async function noteLoop(state: StateDb, holds: LoopHolds): Promise<void> {
  await setFact(state, 'loop', JSON.stringify({ pid: process.pid, ...holds }));
}

/** For how long the loop of that process was held; undefined where nothing has been noted of it. */
export async function loopOf(state: StateDb, pid: number | null | undefined): Promise<LoopHolds | undefined> {
  const { pid: whose, ...holds } = JSON.parse((await fact(state, 'loop')) ?? '{}');
  return typeof whose === 'number' && whose === pid ? holds : undefined;
}

export async function lastSidecar(state: StateDb): Promise<LastSidecar> {
  return JSON.parse((await fact(state, 'sidecar')) ?? '{}');
}

/** A sentence where the sidecar runs on something else than this configuration says; comments and the order of lines don't count. */
export function configDifference({ config: running }: LastSidecar, config: Config): string | undefined {
  if (running === undefined) return undefined;
  const { file, digest } = note(config);
  if (running.file !== file) return `the sidecar runs on another configuration file: ${running.file}`;
  return running.digest === digest ? undefined : `the sidecar runs on an older ${file}: SIGHUP makes it read the file`;
}

function note(config: Config): Noted {
  return { file: config.file, digest: digestOf(config) };
}

/** Of what a configuration means. */
export function digestOf(config: Config): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex');
}
