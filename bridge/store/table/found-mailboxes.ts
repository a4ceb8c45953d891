/** Mailboxes as they are looked for: somebody's own, or those whose address has these letters; in pages. R26 */
import { domainOf } from '../dialect.ts';
import type { DelegationDb } from './delegation-db.ts';
import type { MailboxKind } from './delegation-types.ts';
import { known } from './listed-people.ts';

export interface FoundMailbox {
  readonly id: number;
  readonly address: string;
  readonly login: string;
  readonly owner: string | null;
  readonly ownerListed: boolean | null;
  readonly kind: MailboxKind;
  readonly eligible: boolean;
  /** Null where its domain has no row of its own: the site decides. */
  readonly domainEligible: boolean | null;
  readonly server: string;
  /** How many rows there are of it, whatever their state. */
  readonly delegates: number;
}

export interface MailboxSearch {
  /** Their identifier, and where a mailbox has none its login. */
  readonly owner?: string | undefined;
  /** Letters of the address, wherever they stand in it. */
  readonly part?: string | undefined;
  /** Behind this address. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** By address. */
export async function findMailboxes(
  db: DelegationDb,
  { owner, part, after, limit }: MailboxSearch,
): Promise<readonly FoundMailbox[]> {
  let select = db.query
    .selectFrom('mailboxes as m')
    .leftJoin('domains as e', (join) => join.on('e.domain', '=', domainOf(db.query, 'm.address')))
    .select(['m.id', 'm.address', 'm.login', 'm.owner', 'm.owner_listed', 'm.kind', 'm.eligible', 'm.server'])
    .select(['e.eligible as domain_eligible'])
    .select((eb) =>
      eb
        .selectFrom('delegations as g')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .whereRef('g.mailbox_id', '=', 'm.id')
        .as('delegates'),
    )
    .orderBy('m.address')
    .limit(limit);
  if (owner !== undefined)
    select = select.where(({ eb, or, and }) =>
      or([eb('m.owner', '=', owner), and([eb('m.login', '=', owner), eb('m.owner', 'is', null)])]),
    );
  if (part !== undefined) select = select.where('m.address', 'like', `%${part.replace(/[%_]/g, '')}%`);
  if (after !== undefined) select = select.where('m.address', '>', after);
  return (await select.execute()).map(({ owner_listed, domain_eligible, ...row }) => ({
    id: row.id,
    address: row.address,
    login: row.login,
    owner: row.owner,
    ownerListed: known(owner_listed),
    kind: row.kind,
    eligible: row.eligible === 1,
    domainEligible: domain_eligible === null ? null : domain_eligible === 1,
    server: row.server,
    delegates: Number(row.delegates ?? 0),
  }));
}
