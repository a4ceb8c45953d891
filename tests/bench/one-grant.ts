/** Bob's delegation in alice's mailbox: given and taken in the table itself, and how far a sidecar has come with it. */
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { at, type Site } from '../servers/site.ts';

export const GIVE = `INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`;
export const TAKE = `DELETE FROM delegations WHERE mailbox_id = (SELECT id FROM mailboxes WHERE address = '${at('alice')}')`;

export function oneGrant(site: Site, limitMs: number) {
  const table = new Database(site.table);
  table.pragma('synchronous = FULL');
  const state = new Database(site.stateFile, { readonly: true });
  const outcome = state.prepare('SELECT in_force_version, verified_version FROM outcomes WHERE address = ?');
  const now = table.prepare('SELECT version FROM counters').pluck();
  return {
    state,
    /** The version of what it has changed; 0 where that was nothing. */
    commit: (sql: string): number => {
      const before = now.get();
      table.exec(sql);
      const after = now.get() as number;
      return after === before ? 0 : after;
    },
    reached: async (phase: 'in_force_version' | 'verified_version', version: number): Promise<void> => {
      const until = performance.now() + limitMs;
      while (((outcome.get(at('alice')) as Record<string, number> | undefined)?.[phase] ?? 0) < version) {
        if (performance.now() > until) throw new Error(`not ${phase} within ${limitMs / 1000} s`);
        await sleep(1);
      }
    },
    close: (): void => {
      table.close();
      state.close();
    },
  };
}
