/** While this state.db isn't the one that the table was worked off with: entries just as mandat writes them are taken into the ledger as its own. */
import { likeOurs } from '../../acl/other-entries.ts';
import type { Site } from '../reconcile/site.ts';
import { failureOf } from '../shared/failure.ts';
import { beginGrant } from '../store/state/ledger.ts';
import { pairsOf } from '../store/state/ledger-pairs.ts';
import { outcomeOf } from '../store/state/outcomes.ts';
import { ownMailbox } from '../store/table/rows.ts';

/**
 * Of one mailbox, unless it has been looked at since version `from`. Returns the logins that were taken in, have no row, and that nobody asked
 * to be taken from: the guard hasn't judged these yet. `among`: of these logins alone. An account that the server doesn't know has nothing.
 */
export async function adoptEntries(
  site: Site,
  mailboxId: number,
  from: number,
  among?: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const unasked = new Set<string>();
  if (((await outcomeOf(site.state, mailboxId))?.verifiedVersion ?? 0) >= from) return unasked;
  const { rows } = await ownMailbox(site.table, mailboxId);
  if (rows === undefined) return unasked;
  const known = new Set(
    (await pairsOf(site.state, mailboxId))
      .filter(({ ownerLogin }) => ownerLogin === rows.login)
      .map(({ login }) => login),
  );
  for (const login of await found(site, rows.login)) {
    if (known.has(login) || among?.has(login) === false) continue;
    const { id: delegateId, identifier } = await delegateOf(site, login);
    await beginGrant(
      site.state,
      {
        mailboxId,
        delegateId,
        address: rows.address,
        server: site.server.name,
        ownerLogin: rows.login,
        login,
        identifier,
        inboxBefore: undefined,
        foldersBefore: [],
        given: [site.policy.rights],
        before: [],
      },
      site.clock.now(),
    );
    const line = { mailbox: rows.address, onBehalf: null, delegate: identifier ?? login, detail: { login } };
    await site.audit([{ action: 'adopted', ...line }]);
    if (!rows.delegateIds.has(login) && !(await asked(site, mailboxId, delegateId))) unasked.add(login);
  }
  return unasked;
}

async function found({ server, policy }: Site, owner: string): Promise<readonly string[]> {
  try {
    const view = await server.asOwner(owner);
    try {
      const folders = await view.folders();
      return likeOurs(folders, await view.entries(folders.map(({ name }) => name)), owner, policy.rights);
    } finally {
      view.close();
    }
  } catch (error) {
    if (failureOf(error).rule === 'NO_ACCOUNT') return [];
    throw error;
  }
}

async function delegateOf({ table }: Site, login: string) {
  const row = await table.query
    .selectFrom('delegates')
    .select(['id', 'identifier'])
    .where('login', '=', login)
    .executeTakeFirst();
  return { id: row?.id ?? 0, identifier: row?.identifier };
}

async function asked({ table }: Site, mailboxId: number, delegateId: number): Promise<boolean> {
  const intent = await table.query
    .selectFrom('intents')
    .select('at')
    .where('mailbox_id', '=', mailboxId)
    .where('delegate_id', '=', delegateId)
    .executeTakeFirst();
  return intent !== undefined;
}
