/** Delegations as they are listed and judged, by mailbox and by delegate. R17, R47. */
import type { SendMode } from '../../../acl/delegation-facts.ts';
import { domainOf } from '../dialect.ts';
import { inPages } from '../pages.ts';
import { serverOfLogin, stateSince } from './delegates.ts';
import type { DelegationDb } from './delegation-db.ts';
import type { DelegateState, MailboxKind } from './delegation-types.ts';
import { known } from './listed-people.ts';

export interface Delegation {
  readonly mailboxId: number;
  /** Its place among the mailbox's delegations, by id, from 1. */
  readonly place: number;
  readonly mailbox: {
    readonly address: string;
    /** The owner's identifier, where it is known. */
    readonly owner: string | null;
    readonly login: string;
    readonly kind: MailboxKind;
    readonly eligible: boolean;
    /** Null where its domain has no row of its own. */
    readonly domainEligible: boolean | null;
    readonly ownerListed: boolean | null;
    readonly server: string;
  };
  readonly delegate: {
    readonly identifier: string;
    readonly login: string;
    readonly firstName: string | null;
    readonly lastName: string | null;
    /** A code, or its label, as it was given. */
    readonly profession: string | null;
    readonly state: DelegateState;
    readonly stateSince: string | null;
    readonly termsVersion: string | null;
    readonly credentialValidUntil: string | null;
    readonly listed: boolean | null;
    /** Where a mailbox of the table has their login; null where none has. */
    readonly server: string | null;
  };
  readonly createdAt: string;
  readonly createdBy: string;
  readonly startsAt: string | null;
  readonly endsAt: string | null;
  readonly note: string | null;
  readonly suspended: boolean;
  /** Null: as the site has it. */
  readonly sendMode: SendMode | null;
}

export async function listDelegations(
  db: DelegationDb,
  filter: {
    readonly mailbox?: string | undefined;
    /** Of these only, by address. */
    readonly mailboxes?: readonly string[];
    readonly delegate?: string | undefined;
    /** Also to this delegate only. */
    readonly to?: string;
    /** Only of mailboxes of this owner, by their identifier and where none is known by their login. */
    readonly owner?: string;
  } = {},
): Promise<readonly Delegation[]> {
  let select = db.query
    .selectFrom('delegations as g')
    .innerJoin('mailboxes as m', 'm.id', 'g.mailbox_id')
    .innerJoin('delegates as d', 'd.id', 'g.delegate_id')
    .leftJoin('domains as e', (join) => join.on('e.domain', '=', domainOf(db.query, 'm.address')))
    .select((eb) =>
      eb
        .selectFrom('delegations as o')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .whereRef('o.mailbox_id', '=', 'g.mailbox_id')
        .whereRef('o.id', '<=', 'g.id')
        .as('place'),
    )
    .select(['e.eligible as domain_eligible', 'd.terms_version', (eb) => stateSince(eb).as('state_since')])
    .select([
      'g.mailbox_id',
      'g.created_at',
      'g.created_by',
      'g.starts_at',
      'g.ends_at',
      'g.note',
      'g.suspended',
      'g.send_mode',
    ])
    .select(['m.address', 'm.owner', 'm.login as owner_login', 'm.kind', 'm.eligible', 'm.owner_listed', 'm.server'])
    .select((eb) => serverOfLogin(eb).as('delegate_server'))
    .select([
      'd.identifier',
      'd.login',
      'd.first_name',
      'd.last_name',
      'd.profession',
      'd.state',
      'd.credential_valid_until',
      'd.listed',
    ])
    .orderBy('m.address')
    .orderBy('d.identifier');
  if (filter.mailbox !== undefined) select = select.where('m.address', '=', filter.mailbox);
  if (filter.mailboxes !== undefined) select = select.where('m.address', 'in', filter.mailboxes);
  for (const one of [filter.delegate, filter.to])
    if (one !== undefined) select = select.where('d.identifier', '=', one);
  const { owner } = filter;
  if (owner !== undefined)
    select = select.where(({ eb, or, and }) =>
      or([eb('m.owner', '=', owner), and([eb('m.login', '=', owner), eb('m.owner', 'is', null)])]),
    );
  return (await select.execute()).map((row) => ({
    mailboxId: row.mailbox_id,
    place: row.place ?? 1,
    mailbox: {
      address: row.address,
      owner: row.owner,
      login: row.owner_login,
      kind: row.kind,
      eligible: row.eligible === 1,
      domainEligible: row.domain_eligible === null ? null : row.domain_eligible === 1,
      ownerListed: known(row.owner_listed),
      server: row.server,
    },
    delegate: {
      identifier: row.identifier,
      login: row.login,
      firstName: row.first_name,
      lastName: row.last_name,
      profession: row.profession,
      state: row.state,
      stateSince: row.state_since,
      termsVersion: row.terms_version,
      credentialValidUntil: row.credential_valid_until,
      listed: known(row.listed),
      server: row.delegate_server,
    },
    createdAt: row.created_at,
    createdBy: row.created_by,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    note: row.note,
    suspended: row.suspended === 1,
    sendMode: row.send_mode,
  }));
}

/** All there are, in the same order: those of some mailboxes at a time. */
export async function* delegationPages(db: DelegationDb): AsyncGenerator<readonly Delegation[]> {
  const delegated = (after: string, most: number) =>
    db.query
      .selectFrom('mailboxes as m')
      .select('m.address')
      .where('m.address', '>', after)
      .where(({ exists, selectFrom }) =>
        exists(selectFrom('delegations as g').select('g.id').whereRef('g.mailbox_id', '=', 'm.id')),
      )
      .orderBy('m.address')
      .limit(most)
      .execute();
  for await (const page of inPages(delegated, ({ address }) => address, ''))
    yield await listDelegations(db, { mailboxes: page.map(({ address }) => address) });
}
