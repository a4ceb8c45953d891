/** Whether a sidecar is sweeping, and how it is made to. */
import type Database from 'better-sqlite3';
import { waitFor } from '../../config/lab/wait.ts';

export interface Sweeps {
  underWay(): boolean;
  /** One from now on, unless one is under way. */
  begin(): Promise<void>;
  /** Resolves when one has ended, and none is under way. */
  ended(): Promise<void>;
}

/** @param state its state.db */
export function sweepsOf(state: Database.Database, { pid }: { readonly pid: number }, limitMs: number): Sweeps {
  const fact = state.prepare('SELECT value FROM facts WHERE name = ?').pluck();
  const underWay = () => fact.get('sweep-begun') !== undefined;
  return {
    underWay,
    begin: async () => {
      if (underWay()) return;
      process.kill(pid, 'SIGHUP');
      await waitFor('a sweep has begun', limitMs, underWay);
    },
    ended: async () => {
      await waitFor('a sweep has ended', limitMs, () => !underWay() && fact.get('sweep') !== undefined);
    },
  };
}
