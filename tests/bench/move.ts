/** A whole site from files into PostgreSQL and back: rows a second, for how long nobody could write, and how much memory. */

import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { copyDatabase } from '../../bridge/moving/database-copy.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { startPostgresql } from '../../config/lab/postgresql.ts';
import type { Config } from '../../config/schema.ts';
import { putLargeTable } from './growth/large-table.ts';

export interface MoveFigures {
  readonly way: string;
  readonly rows: number;
  readonly seconds: number;
  readonly heldMs: number;
  /** Peak resident, of this process. */
  readonly peakMb: number;
}

/** With an audit trail of three entries a delegation. */
export async function moveFigures(delegations: number): Promise<readonly MoveFigures[]> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-move-'));
  const postgresql = await startPostgresql({ durable: true });
  try {
    putLargeTable(directory, delegations, 'worked off');
    const files = dataFiles(directory);
    const name = await postgresql.createDatabase();
    const url = `postgres://postgres@:${postgresql.port}/${name}?host=${postgresql.socketDirectory}`;
    const figures: MoveFigures[] = [];
    for (const [way, database, to] of [
      ['into PostgreSQL', undefined, url],
      ['back into files', url, 'files'],
    ] as const) {
      const config = {
        dataDir: directory,
        database,
        databasePasswordFile: '/nowhere',
        server: { name: 'main' },
      } as unknown as Config;
      const began = performance.now();
      const done = await copyDatabase({
        config,
        files,
        to,
        writer: { actor: 'admin:bench' },
        begun: () => {},
        agreed: async () => true,
        told: () => {},
      });
      const rows = Object.values(done?.moved?.tables ?? {}).reduce((all, one) => all + one.rows, 0);
      const seconds = (performance.now() - began) / 1000;
      const peakMb = Math.round(process.resourceUsage().maxRSS / 1024);
      figures.push({ way, rows, seconds, heldMs: done?.moved?.heldMs ?? 0, peakMb });
    }
    return figures;
  } finally {
    await postgresql.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
