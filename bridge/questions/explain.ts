/**
 * Why a delegation is in force or not, and what stands on the server: their entry in each folder and whose it is, what stood there
 * before, what they really see, and other people's entries. Reads only.
 */

import type { Instant } from '../../acl/delegation-facts.ts';
import { type Policy, placesOf, rightsOn } from '../../acl/desired.ts';
import { negativeEntries } from '../../acl/entry-plan.ts';
import { deciding, lettingIn, withInherited } from '../../acl/foreign-entries.ts';
import { type OtherEntry, otherEntries } from '../../acl/other-entries.ts';
import { type Condition, conditions, describeNotInForce, verdict } from '../../acl/policy.ts';
import { NONE, type Rights } from '../../acl/rights.ts';
import { entriesOnce } from '../../acl/same-folder.ts';
import { DRIFT_CODES } from '../reconcile/drift-left.ts';
import type { Entries, MailServer } from '../reconcile/driver-interfaces.ts';
import { INBOX } from '../reconcile/driver-interfaces.ts';
import { sayings } from '../reconcile/out-of-reach.ts';
import { type Keeper, keeperAsSeen } from '../reconcile/subscription-list.ts';
import { beforeIn } from '../reconcile/tree.ts';
import { inEffect } from '../safeguards/withdrawn.ts';
import { type Pair, pairsOf, standingFirst } from '../store/state/ledger-pairs.ts';
import { otherEntriesOf } from '../store/state/other-entries.ts';
import { type Outcome, outcomeOf } from '../store/state/outcomes.ts';
import { type SlowAnswer, slowAnswers } from '../store/state/slow-answers.ts';
import type { LedgerPhase, StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { listDelegations } from '../store/table/delegation-list.ts';
import { mailboxAt } from '../store/table/mailboxes.ts';
import { turnsOf } from '../store/table/standing-since.ts';
import { elsewhere, readTree, seenByDelegate, type Trouble } from './explain-on-server.ts';

/** Whose an entry is: put by mandat, or a copy that the server made of it; what stood there before; somebody else's. */
export type Whose = 'ours' | 'before' | 'theirs';

export interface ExplainedFolder {
  readonly folder: string;
  readonly entry: Rights | null;
  readonly whose: Whose | null;
  readonly before: Rights | null;
  readonly should: Rights | null;
  /** Null where nobody could look. */
  readonly sees: Rights | null;
  /** Other people's entries that decide what they have, or would keep them out. */
  readonly against: readonly string[];
}

export interface Explanation {
  readonly mailbox: string;
  readonly login: string;
  readonly identifier: string | null;
  readonly inForce: boolean;
  readonly why: string;
  /** Every condition as it stands, in order; none where there is no row. */
  readonly conditions: readonly Condition[];
  readonly phase: LedgerPhase | null;
  /** Of the mailbox's last pass, when it failed. */
  readonly failure: NonNullable<Outcome['failure']> | null;
  /** What the mailbox's pass is waiting for just now, because a server is slow to answer. */
  readonly slow: SlowAnswer | null;
  /** Why the guard holds their disappearance back. */
  readonly held: string | null;
  /** Of their entries that somebody else has changed, those that are left so, and what to do next; a sentence each. */
  readonly driftLeft: readonly string[];
  readonly folders: readonly ExplainedFolder[];
  /** What of the mailbox no delegate can reach, a sentence each. */
  readonly outOfReach: readonly string[];
  /** Why the server couldn't be asked, or they couldn't be asked for. */
  readonly trouble: Trouble | null;
}

export interface ExplainSite {
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly server: MailServer;
  readonly policy: Policy;
  readonly now: Instant;
}

export interface Explained {
  readonly delegations: readonly Explanation[];
  /** Who else has access, by entries that aren't mandat's. */
  readonly others: readonly (OtherEntry & { readonly since: Instant | null })[];
  /** Whose list of subscriptions a delegate's SUBSCRIBE writes, as last seen; null where no grant has shown it yet. */
  readonly subscriptionsKeptBy: Keeper | null;
  /** Why the server couldn't be asked for these. */
  readonly trouble: Trouble | null;
}

/** One for each row and each pair of the ledger; `delegate` is an identifier or a login. */
export async function explain(site: ExplainSite, address: string, delegate?: string): Promise<Explained> {
  const mailbox = await mailboxAt(site.table, address);
  const policy = await inEffect(site.policy, site.state);
  const rows = await listDelegations(site.table, { mailbox: address });
  const pairs = await pairsOf(site.state, mailbox.id, mailbox.server);
  const turned = await Promise.all(
    rows.map((row) => turnsOf(site.table, row.mailbox.address, row.delegate.identifier)),
  );
  const places = placesOf(rows, standingFirst(pairs));
  const subjects = [
    ...rows.map((listed, at) => {
      const row = { ...listed, place: places.get(listed) ?? 1 };
      const judged = verdict(row, policy.rules, site.now);
      return {
        login: row.delegate.login,
        identifier: row.delegate.identifier,
        inForce: judged.inForce,
        why: judged.inForce ? 'the row is there and every condition holds' : describeNotInForce(judged.why),
        conditions: conditions(row, policy.rules, site.now, turned[at], {
          mailbox: row.mailbox.address,
          delegate: row.delegate.identifier,
        }),
      };
    }),
    ...pairs
      .filter(({ login }) => !rows.some((row) => row.delegate.login === login))
      .map(({ login }) => ({
        login,
        identifier: null,
        inForce: false,
        why: 'there is no row: it has been revoked',
        conditions: [],
      })),
  ].filter(({ login, identifier }) => delegate === undefined || delegate === login || delegate === identifier);

  const outcome = await outcomeOf(site.state, mailbox.id, mailbox.server);
  const slow =
    (await slowAnswers({ query: site.state.query, server: mailbox.server })).find(
      ({ mailboxId }) => mailboxId === mailbox.id,
    ) ?? null;
  const tree = mailbox.server === site.server.name ? await readTree(site.server, mailbox.login) : elsewhere(mailbox);
  const explained: Explanation[] = [];
  for (const subject of subjects) {
    const pair = pairs.find(({ login, ownerLogin }) => login === subject.login && ownerLogin === mailbox.login);
    const seen = await seenByDelegate(site.server, mailbox.login, subject.login, tree);
    explained.push({
      mailbox: address,
      ...subject,
      phase: pair?.phase ?? null,
      failure: outcome?.failure ?? null,
      slow,
      held: outcome?.notices.find(({ code, login }) => code === 'held' && login === subject.login)?.message ?? null,
      driftLeft: (outcome?.notices ?? [])
        .filter(({ code, login }) => login === subject.login && DRIFT_CODES.some((one) => one === code))
        .map(({ message }) => message),
      outOfReach: sayings(tree.folders.filter(({ name }) => seen.reached?.has(name) === false)),
      folders: tree.folders
        .filter(({ name }) => seen.reached?.has(name) !== false)
        .map((folder) => {
          const there = tree.entries.get(folder.name) ?? new Map<string, Rights>();
          const should = subject.inForce ? rightsOn(folder, policy.rights) : null;
          const sees = seen.listed?.has(folder.name) === false ? NONE : (seen.rights?.get(folder.name) ?? null);
          const entry = tree.entries.get(folder.name)?.get(subject.login) ?? null;
          const before = (pair === undefined ? undefined : beforeIn(pair, folder)) ?? null;
          return {
            folder: folder.name,
            entry,
            whose: whose(entry, before, pair),
            before,
            should,
            sees,
            against: foreign(
              withInherited(there, tree.entries.get(INBOX)),
              there,
              subject.login,
              should,
              seen.rights?.get(folder.name) ?? null,
            ),
          };
        }),
      trouble: tree.trouble ?? seen.trouble,
    });
  }
  const ours = new Set(
    pairs.flatMap(({ login, ownerLogin, phase }) =>
      ownerLogin === mailbox.login && phase !== 'revoking' ? [login] : [],
    ),
  );
  const noted = await otherEntriesOf(site.state, mailbox.server, mailbox.login);
  const others = otherEntries(
    entriesOnce(tree.folders, (name) => tree.entries.get(name)),
    mailbox.login,
    ours,
  ).map((one) => ({
    ...one,
    since: noted.find(({ identifier }) => identifier === one.identifier)?.since ?? null,
  }));
  const subscriptionsKeptBy = (await keeperAsSeen(site)) ?? null;
  return { delegations: explained, others, subscriptionsKeptBy, trouble: tree.trouble };
}

function whose(entry: Rights | null, before: Rights | null, pair: Pair | undefined): Whose | null {
  if (entry === null) return null;
  if (pair === undefined) return 'theirs';
  return entry === before ? 'before' : 'ours';
}

/** Whose entries decide: those that explain what they see; where nothing is to be explained, those that would keep them out. */
function foreign(
  all: Entries,
  there: Entries,
  login: string,
  should: Rights | null,
  sees: Rights | null,
): readonly string[] {
  if (sees !== null && sees !== should) {
    const own = there.get(login) ?? should;
    const by = own === null ? lettingIn(all, login, sees) : deciding(all, login, own, sees);
    if (by.length > 0) return by;
  }
  return negativeEntries(there.keys(), login);
}
