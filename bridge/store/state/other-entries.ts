/** Other people's entries (acl/other-entries.ts) as the last pass saw them, and since when. */

import type { Instant } from '../../../acl/delegation-facts.ts';
import type { OtherEntry } from '../../../acl/other-entries.ts';
import { canonical } from '../../../acl/rights.ts';
import { keptQuery } from '../kept-queries.ts';
import { whileUnchanged } from '../unchanged.ts';
import type { StateDb } from './state-db.ts';

export interface SeenEntry extends OtherEntry {
  /** Since when mandat has seen it. */
  readonly since: Instant;
}

/** By identifier. */
export async function otherEntriesOf(
  db: Pick<StateDb, 'query' | 'stamp'>,
  server: string,
  ownerLogin: string,
): Promise<readonly SeenEntry[]> {
  return kept(db, JSON.stringify([server, ownerLogin]));
}

/** A pass asks at its begin and at its end. */
const kept = whileUnchanged(async ({ query }: Pick<StateDb, 'query' | 'stamp'>, whose: string) => {
  const [server = '', ownerLogin = ''] = JSON.parse(whose) as string[];
  const rows = await entries(query, { server, ownerLogin });
  return rows.map(({ identifier, rights, folders, since }) => ({
    identifier,
    rights: canonical(rights),
    folders,
    since,
  }));
});

const entries = keptQuery((query: StateDb['query'], { server, ownerLogin }: { server: string; ownerLogin: string }) =>
  query
    .selectFrom('other_entries')
    .selectAll()
    .where('server', '=', server)
    .where('owner_login', '=', ownerLogin)
    .orderBy('identifier'),
);

export interface OtherEntriesNews {
  readonly come: readonly OtherEntry[];
  readonly gone: readonly OtherEntry[];
}

/** What is there now, all of it. Writes only where something has changed. */
export async function noteOtherEntries(
  db: StateDb,
  server: string,
  ownerLogin: string,
  found: readonly OtherEntry[],
  now: Instant,
): Promise<OtherEntriesNews> {
  const before = await otherEntriesOf(db, server, ownerLogin);
  const known = new Map(before.map((one) => [one.identifier, one]));
  const differ = found.filter(({ identifier, rights, folders }) => {
    const one = known.get(identifier);
    return one?.rights !== rights || one.folders !== folders;
  });
  const there = new Set(found.map(({ identifier }) => identifier));
  const gone = before.filter(({ identifier }) => !there.has(identifier));
  if (differ.length + gone.length === 0) return { come: [], gone: [] };
  await db.write(async (query) => {
    for (const { identifier } of gone)
      await query
        .deleteFrom('other_entries')
        .where('server', '=', server)
        .where('owner_login', '=', ownerLogin)
        .where('identifier', '=', identifier)
        .execute();
    for (const { identifier, rights, folders } of differ)
      await query
        .insertInto('other_entries')
        .values({ server, owner_login: ownerLogin, identifier, rights, folders, since: now })
        .onConflict((conflict) =>
          conflict.columns(['server', 'owner_login', 'identifier']).doUpdateSet({ rights, folders }),
        )
        .execute();
  });
  return { come: differ.filter(({ identifier }) => !known.has(identifier)), gone };
}

/** How many there are, and of how many mailboxes. */
export async function countOtherEntries({
  query,
}: Pick<StateDb, 'query'>): Promise<{ readonly entries: number; readonly mailboxes: number }> {
  const { entries, mailboxes } = await query
    .selectFrom('other_entries')
    .select(({ fn }) => [
      fn.countAll<number>().as('entries'),
      fn.count<number>('owner_login').distinct().as('mailboxes'),
    ])
    .executeTakeFirstOrThrow();
  return { entries, mailboxes };
}
