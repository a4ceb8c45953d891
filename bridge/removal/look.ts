/**
 * A look at the servers when everything is said to have been taken off: as each owner, and as each delegate whom the table names there, on
 * fresh logins. The ledger is asked nothing: what it forgot would show here.
 */
import { lettingIn, withInherited } from '../../acl/foreign-entries.ts';
import { likeOurs } from '../../acl/other-entries.ts';
import { NONE, type Rights } from '../../acl/rights.ts';
import { lookAsDelegate, lookAsOwner } from '../questions/one-look.ts';
import type { Entries, MailServer } from '../reconcile/driver-interfaces.ts';
import { INBOX } from '../reconcile/driver-interfaces.ts';
import { failureOf } from '../shared/failure.ts';
import type { PublishedMap } from '../store/published/sender-map.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { readMailbox } from '../store/table/rows.ts';

export interface Sight {
  readonly mailbox: string;
  /** The delegate's. */
  readonly login: string;
  readonly what: string;
}

export interface Looked {
  readonly mailboxes: number;
  readonly delegates: number;
  /** What a delegate may do that nobody's entry explains, or sending that is allowed: it should not be. */
  readonly left: readonly Sight[];
  /** What a delegate may do by an entry that stood before, or that somebody else made: it stays. */
  readonly others: readonly Sight[];
  /** Where nobody could look, and why. */
  readonly unseen: readonly Sight[];
}

export interface LookSite {
  readonly table: DelegationDb;
  readonly server: MailServer;
  readonly senders: Pick<PublishedMap, 'rules'> | undefined;
  /** What a grant gives. */
  readonly rights: Rights;
}

/** `onMailbox` hears of each that was looked at. */
export async function lookForOurs(
  site: LookSite,
  mailboxIds: readonly number[],
  onMailbox: (done: number) => void = () => {},
): Promise<Looked> {
  const left: Sight[] = [];
  const others: Sight[] = [];
  const unseen: Sight[] = [];
  let delegates = 0;
  for (const [at, id] of mailboxIds.entries()) {
    const { rows } = await readMailbox(site.table, id);
    const owner = rows?.login;
    for (const { address, login } of site.senders?.rules(id) ?? [])
      if (login !== owner) left.push({ mailbox: address, login, what: `may send as ${address}` });
    if (rows !== undefined && owner !== undefined && rows.delegations.length > 0) {
      const { address: mailbox } = rows;
      const about = (login: string, what: string) => ({ mailbox, login, what });
      try {
        const entries = await entriesOf(site, owner);
        for (const { delegate } of rows.delegations) {
          delegates++;
          const seen = await lookAsDelegate(site.server, owner, delegate.login).catch((error: unknown) => {
            const failure = failureOf(error);
            if (failure.rule !== 'NO_ACCOUNT') unseen.push(about(delegate.login, failure.message));
            return new Map<string, Rights>();
          });
          for (const [folder, rights] of seen) {
            if (rights === NONE) continue;
            const by = explaining(entries.tree, folder, delegate.login, rights);
            const ours = entries.ours.has(delegate.login) ? ', which is just as mandat writes them' : '';
            const line = about(
              delegate.login,
              `${folder}: ${rights}${by.length === 0 ? '' : `, by the entry of ${by.join(', ')}${ours}`}`,
            );
            (by.length === 0 ? left : others).push(line);
          }
        }
      } catch (error) {
        const failure = failureOf(error);
        if (failure.rule !== 'NO_ACCOUNT') unseen.push(about(owner, failure.message));
      }
    }
    onMailbox(at + 1);
  }
  return { mailboxes: mailboxIds.length, delegates, left, others, unseen };
}

interface Standing {
  readonly tree: ReadonlyMap<string, Entries>;
  /** Logins with an entry that is just as mandat writes them. */
  readonly ours: ReadonlySet<string>;
}

async function entriesOf({ server, rights }: LookSite, owner: string): Promise<Standing> {
  const { folders, entries } = await lookAsOwner(server, owner);
  return { tree: entries, ours: new Set(likeOurs(folders, entries, owner, rights)) };
}

function explaining(tree: Standing['tree'], folder: string, login: string, seen: Rights): readonly string[] {
  const entries = withInherited(tree.get(folder), tree.get(INBOX));
  return [...(entries.has(login) ? [login] : []), ...lettingIn(entries, login, seen)];
}
