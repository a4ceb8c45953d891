/** Where a site of the tests keeps its table: in files, unless on-postgresql.ts was imported before. */
import { setTimeout as delay } from 'node:timers/promises';
import { asShell } from '../store/shell.ts';

export interface SiteStore {
  /** For the top of the configuration. */
  readonly toml: string;
  /** Another program on the table: the answer a line each, with `|` between columns. Rejects when it is refused. */
  sql(query: string): Promise<string>;
}

/** `table`: the file, where it is one. `etc`: where secrets stand. */
export type OpenStore = (place: { readonly table: string; readonly etc: string }) => Promise<SiteStore>;

const inFiles: OpenStore = async ({ table }) => ({
  toml: '',
  sql: async (query) => {
    // Other writers may be in this very process, and need their turn.
    for (const until = Date.now() + 5000; ; await delay(5)) {
      try {
        return asShell(table, query, 0);
      } catch (error) {
        if ((error as { code?: string }).code !== 'SQLITE_BUSY' || Date.now() > until) throw error;
      }
    }
  },
});

let open: OpenStore = inFiles;

export function keepsSitesIn(other: OpenStore): void {
  open = other;
}

export const openSiteStore: OpenStore = (place) => open(place);
