/** Which domains are open to delegation, as the command line manages them. R26. */
import { Failure } from '../../shared/failure.ts';
import type { DelegationDb, Writer } from './delegation-db.ts';
import { mustStand } from './undone-writes.ts';

export interface Domain {
  readonly domain: string;
  readonly eligible: boolean;
  /** Whether somebody has decided that; else the setting for all others says it. */
  readonly decided: boolean;
  /** In the table, and the delegations of these. */
  readonly mailboxes: number;
  readonly delegations: number;
}

/** Every domain that somebody has decided on, or that a mailbox has. */
export async function listDomains(db: DelegationDb): Promise<readonly Domain[]> {
  return db.read(async (query) => {
    const decided = await query.selectFrom('domains').selectAll().execute();
    const used = await query
      .selectFrom('domain_eligibility as e')
      .leftJoin('delegations as g', 'g.mailbox_id', 'e.mailbox_id')
      .select(({ fn }) => [
        'e.domain',
        'e.eligible',
        fn.count<number>('e.mailbox_id').distinct().as('mailboxes'),
        fn.count<number>('g.id').as('delegations'),
      ])
      .groupBy(['e.domain', 'e.eligible'])
      .execute();
    const known = new Set(decided.map(({ domain }) => domain));
    const unused = decided.filter(({ domain }) => !used.some((one) => one.domain === domain));
    return [...used, ...unused.map((one) => ({ ...one, mailboxes: 0, delegations: 0 }))]
      .map((one) => ({ ...one, eligible: one.eligible === 1, decided: known.has(one.domain) }))
      .sort((one, other) => (one.domain < other.domain ? -1 : 1));
  });
}

/** Opens or closes a domain. What it closes is suspended, not ended: the rows stay. Returns whether that was another answer. */
export async function setDomain(db: DelegationDb, writer: Writer, domain: string, eligible: boolean): Promise<boolean> {
  return db.write(writer, async (query) => {
    const before = await query.selectFrom('domains').selectAll().where('domain', '=', domain).executeTakeFirst();
    const row = { domain, eligible: Number(eligible) };
    if (before?.eligible === row.eligible) return false;
    if (before === undefined) await query.insertInto('domains').values(row).execute();
    else await query.updateTable('domains').set(row).where('domain', '=', domain).execute();
    await mustStand(query, { table: 'domains', column: 'domain', value: domain }, { eligible: row.eligible });
    return true;
  });
}

/** Forgets the decision: the setting for all others holds of it again. Fails `absent` when there was none. */
export async function removeDomain(db: DelegationDb, writer: Writer, domain: string): Promise<void> {
  const removed = await db.write(writer, (query) =>
    query.deleteFrom('domains').where('domain', '=', domain).executeTakeFirst(),
  );
  if (removed.numDeletedRows > 0n) return;
  throw new Failure(
    'absent',
    `nothing has been decided on the domain ${domain}`,
    '"mandat domain list" shows the domains, and which of them somebody has decided on',
  );
}
