/**
 * What is published and imported (the directory, the MSSanté addresses, the white list), where a site has several machines on one PostgreSQL: the machine that
 * imports puts its file there, and each other one fetches it before it next reads its own. What is read is always the file beside: without PostgreSQL the
 * last one stays.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { Instant } from '../../acl/delegation-facts.ts';
import { guarded } from '../store/files/open.ts';
import { fetchShared, newestShared, shareFile } from '../store/postgres/shared-files.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { BOXES } from './correspondence.ts';
import { currentGeneration, type GenerationKind, nextFile } from './generation.ts';
import { PEOPLE } from './people-tables.ts';
import { factsOf } from './published-lines.ts';
import { whiteListFile, whiteListIn } from './white-list.ts';
import { swap } from './white-list-import.ts';

export type Imported = 'directory' | 'addresses' | 'white list';

interface Kind {
  /** In PostgreSQL, with the version of its form: a machine with another program's version neither takes it nor overwrites it. */
  readonly name: string;
  file(directory: string): string | undefined;
  imported(directory: string): Instant | undefined;
  place(directory: string, write: (draft: string) => Promise<void>): Promise<unknown>;
}

const generation = (kind: GenerationKind): Kind => ({
  name: `${kind.prefix}-${kind.version}`,
  file: (directory) => guarded(directory, kind, () => currentGeneration(directory, kind)),
  imported: (directory) => factsOf(directory, kind)?.imported,
  place: (directory, write) => nextFile(directory, kind, write),
});

const KINDS: Readonly<Record<Imported, Kind>> = {
  directory: generation(PEOPLE),
  addresses: generation(BOXES),
  'white list': {
    name: 'white-list-1',
    file: (directory) => (existsSync(whiteListFile(directory)) ? whiteListFile(directory) : undefined),
    imported: (directory) => whiteListIn(directory)?.imported,
    place: async (directory, write) => {
      const draft = `${whiteListFile(directory)}.fetched.${process.pid}`;
      rmSync(draft, { force: true });
      try {
        await write(draft);
        swap(whiteListFile(directory), readFileSync(draft));
      } finally {
        rmSync(draft, { force: true });
      }
    },
  },
};

/** What was imported here just now, for all others. */
export async function shareImport(state: Pick<StateDb, 'query'>, directory: string, what: Imported): Promise<void> {
  const { name, file, imported } = KINDS[what];
  const [from, at] = [file(directory), imported(directory)];
  if (from !== undefined && at !== undefined) await shareFile(state, name, from, at);
}

/** Takes over what was imported elsewhere since. Returns what that was. */
export async function takeImports(state: Pick<StateDb, 'query'>, directory: string): Promise<readonly Imported[]> {
  const taken: Imported[] = [];
  for (const [what, { name, imported, place }] of Object.entries(KINDS) as [Imported, Kind][]) {
    const newest = await newestShared(state, name);
    if (newest === undefined || newest.imported <= (imported(directory) ?? '')) continue;
    await place(directory, (draft) => fetchShared(state, name, newest, draft));
    taken.push(what);
  }
  return taken;
}
