/**
 * A delegate opens a mailbox of their own and keeps what has been delegated to them; their login becomes the mailbox's. R54, R55.
 *
 * One transaction: there is no moment in which the table has them under both logins or none. What the old login has on the servers goes
 * the way of every login that changes: in each mailbox's next pass its sender rule and INBOX entry are taken and its sessions cut before
 * the new login is given anything, and the pass is verified only when a fresh login with the old one sees nothing.
 */
import { Failure } from '../../shared/failure.ts';
import { noteAccount } from './account-events.ts';
import type { AccountHolder } from './account-holders.ts';
import { noSuchDelegate } from './delegates.ts';
import type { DelegationDb, Writer } from './delegation-db.ts';
import type { Query } from './delegation-types.ts';
import type { Written } from './delegations.ts';

export interface OwnMailbox {
  readonly address: string;
  /** Undefined: the mailbox's, where it is there; else its address. */
  readonly login: string | undefined;
  readonly ownerListed: boolean | null;
}

export interface OpenedMailbox {
  readonly loginBefore: string;
  readonly login: string;
  /** Their delegations, each of which moves to the new login, and their own mailbox. */
  readonly written: readonly Written[];
}

export async function openOwnMailbox(
  db: DelegationDb,
  writer: Writer,
  { id, identifier }: Pick<AccountHolder, 'id' | 'identifier'>,
  { address, login: asked, ownerListed }: OwnMailbox,
): Promise<OpenedMailbox> {
  return db.write(writer, async (query) => {
    const delegate = await query.selectFrom('delegates').selectAll().where('id', '=', id).executeTakeFirst();
    if (delegate === undefined) throw noSuchDelegate(identifier);
    if (delegate.state === 'ended') throw refused('MANDAT_ENDED', `the account of ${identifier} has ended`);
    const there = await query.selectFrom('mailboxes').selectAll().where('address', '=', address).executeTakeFirst();
    const login = asked ?? there?.login ?? address;
    if (there !== undefined) {
      if (there.owner !== null && there.owner !== identifier) {
        throw refused('MANDAT_NOT_HIS', `${address} is the mailbox of somebody else (${there.owner})`);
      }
      if (there.kind !== 'PER') {
        throw refused('MANDAT_NOT_PERSONAL', `${address} is no personal mailbox (PER), and can be nobody's own`);
      }
      if (there.login !== login) {
        throw refused('MANDAT_LOGIN', `${address} has the login ${there.login}, not ${login}`, 'leave --login out');
      }
    }
    await refuseTaken(query, id, address, login);
    if (there === undefined) {
      await query
        .insertInto('mailbox')
        .values({ address, login, owner: identifier, kind: 'PER', eligible: null, server: null })
        .execute();
    } else if (there.owner === null) {
      await query.updateTable('mailboxes').set({ owner: identifier }).where('id', '=', there.id).execute();
    }
    if (ownerListed !== null && there?.owner !== identifier) {
      const owner_listed = Number(ownerListed);
      await query.updateTable('mailboxes').set({ owner_listed }).where('address', '=', address).execute();
    }
    // Whoever has a mailbox of their own has an account: there is nothing to activate (R39).
    const state = delegate.state === 'pending' ? 'active' : delegate.state;
    await query.updateTable('delegates').set({ login, state }).where('id', '=', id).execute();
    await noteAccount(query, identifier, 'account-mailbox', { mailbox: address, login, before: delegate.login });
    return { loginBefore: delegate.login, login, written: await concerned(query, id, address) };
  });
}

/** In words that say who is in the way; the table's own rules would refuse it as well. */
async function refuseTaken(query: Query, id: number, address: string, login: string): Promise<void> {
  const self = await query
    .selectFrom('delegations as g')
    .innerJoin('mailboxes as m', 'm.id', 'g.mailbox_id')
    .select('m.address')
    .where('g.delegate_id', '=', id)
    .where(({ or, eb }) => or([eb('m.address', '=', address), eb('m.login', '=', login)]))
    .executeTakeFirst();
  if (self !== undefined) {
    throw refused(
      'MANDAT_SELF',
      `${self.address} has been delegated to them: it can't be their own as well`,
      'revoke it first, if it really is theirs',
    );
  }
  const other = await query
    .selectFrom('delegates')
    .select('identifier')
    .where('login', '=', login)
    .where('id', '<>', id)
    .executeTakeFirst();
  if (other !== undefined) {
    throw refused('MANDAT_DUPLICATE', `the login ${login} is that of another delegate (${other.identifier})`);
  }
}

async function concerned(query: Query, id: number, address: string): Promise<readonly Written[]> {
  const { version } = await query.selectFrom('counters').select('version').executeTakeFirstOrThrow();
  const mailboxes = await query
    .selectFrom('mailboxes as m')
    .select('m.id')
    .where(({ or, eb, exists, selectFrom }) =>
      or([
        eb('m.address', '=', address),
        exists(
          selectFrom('delegations as g')
            .select('g.id')
            .whereRef('g.mailbox_id', '=', 'm.id')
            .where('g.delegate_id', '=', id),
        ),
      ]),
    )
    .execute();
  return mailboxes.map((mailbox) => ({ mailboxId: mailbox.id, version }));
}

function refused(rule: string, message: string, hint = ''): Failure {
  return new Failure('refused', `${message}; nothing was changed`, hint, { rule });
}
