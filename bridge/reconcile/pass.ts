/** One pass over one mailbox: what both phases share. */

import type { Desired, DesiredDelegate } from '../../acl/desired.ts';
import type { Rights } from '../../acl/rights.ts';
import { type Pause, paused, samePause } from '../safeguards/pause.ts';
import type { Failure } from '../shared/failure.ts';
import type { FolderName, Pair } from '../store/state/ledger-pairs.ts';
import type { Notice } from '../store/state/outcomes.ts';
import { changedSince, type MailboxState } from '../store/table/rows.ts';
import type { Drift } from './drift.ts';
import type { Folder } from './driver-interfaces.ts';
import type { Site } from './site.ts';

export interface Pass {
  readonly site: Site;
  readonly mailboxId: number;
  readonly address: string;
  readonly mailbox: MailboxState;
  /** For the audit trail: the owner, and the delegates' identifiers by login, of those who leave too. */
  readonly onBehalf: string | null;
  readonly identifiers: ReadonlyMap<string, string>;
  readonly desired: Desired;
  /** Logins whose disappearance the guard holds back: nothing of theirs is touched. */
  readonly held: ReadonlySet<string>;
  /** Whether those send as the mailbox does now, by {@link desired}; else their rules stay as they are: it is gone, or paused. */
  readonly follow: boolean;
  /** False while a table from the past, or one whose rules were changed, is obeyed only where it takes access away. */
  readonly mayGive: boolean;
  readonly notices: Notice[];
  /** What went wrong for one delegate without stopping the others. */
  readonly failures: Failure[];
  /** Outputs of the sender rules that have not followed. */
  readonly unpublished: Failure[];
  /** By login of who leaves: whether the last cut has ended their sessions (`Cut` in driver-interfaces.ts), until that is noted. */
  readonly cuts: Map<string, { readonly ended: Promise<boolean>; readonly toSee: string }>;
  /** Who leaves and of whom a folder could not be closed: their revoke isn't in force. */
  readonly unclosed: Set<string>;
  /** Who leaves and whose sessions could not be cut, or go on: their revoke isn't over. */
  readonly uncut: Set<string>;
  /** Who leaves and of whose sessions nobody can say whether they have ended. */
  readonly unproven: Set<string>;
  /** Identifiers of those who have access by other people's entries, as far as they are seen already. */
  readonly others: Set<string>;
  /** By login: folders in which a delegate in force administers, which they may not. */
  readonly administering: Map<string, Set<FolderName>>;
  /** By the pair's id: which of its entries are put right, and which are left as they were found. */
  readonly drift: Map<number, Drift>;
  /** What is left as it was found, for the trail. */
  readonly driftLeft: { readonly login: string; readonly message: string; readonly detail: object }[];
  /** After how many ms what was left because it was put right too often may be put right again. */
  readonly again: number[];
  /** Accounts in which folders have come since the last verified pass. */
  readonly unsettled: Set<string>;
  /** Who was to arrive, and whose login could not be proven: nothing is written for them. */
  readonly strangers: Set<string>;
  /** Owners of whom a look of this pass has shown that what a delegate subscribes to stands in the delegate's own list. */
  readonly keepers: Set<string>;
  /** By owner: what a newcomer of this pass had in folders without an entry of their own: what INBOX's entry gives, or nothing. */
  readonly inherits: Map<string, boolean>;
  /** What is left behind at accounts that the server no longer knows. */
  readonly gone: Pair[];
  /** Looks as delegates that are left for later; undefined: none is. */
  readonly later: LaterLook[] | undefined;
  /** Whether a revoke finds no place among what is being worked on. */
  readonly crowded: () => boolean;
  /** Throws {@link Superseded} when the rows have changed since this pass read them, it was paused, or the sidecar is to leave. */
  stillCurrent(): Promise<void>;
  /** Lets a revoke go by (schedule.ts). Never fails. */
  letBy(): Promise<void>;
}

/** One pair, as it should show in a fresh session of the delegate's. */
export interface LaterLook {
  /** Of the ledger. */
  readonly pairId: number;
  readonly login: string;
  readonly owner: string;
  readonly folders: readonly Folder[];
  readonly rights: ReadonlyMap<FolderName, Rights>;
  /** What this pass gave in INBOX. */
  readonly given: Rights;
  /** To which of them the delegate is known to be, or to have been, subscribed; undefined where that is nobody's affair now. */
  readonly subscribed: ReadonlySet<FolderName> | undefined;
  /** They arrive: whoever looks subscribes them to what they see, as far as they haven't by themselves. */
  readonly subscribes: boolean;
  /** They arrive: sessions of theirs that are open are ended before it, which don't list a new share. Once for all of a person's looks. */
  readonly cuts: boolean;
}

/** One account's tree, and who comes, stays and leaves there. */
export interface Target {
  readonly owner: string;
  readonly arriving: readonly DesiredDelegate[];
  readonly staying: readonly { readonly delegate: DesiredDelegate; readonly pair: Pair }[];
  readonly leaving: readonly Pair[];
}

/** Not a failure: the rows changed under a pass, which starts over with the new ones. A revoke so overtakes a grant, and a pause everything. */
export class Superseded extends Error {}

/** `pause`: the one under which the pass began. */
export function currency(site: Site, mailbox: MailboxState, pause: Pause | undefined): () => Promise<void> {
  return async () => {
    if (site.stopping() || (await changedSince(site.table, mailbox.id, mailbox.version))) throw new Superseded();
    if (!samePause(pause, await paused(site.state))) throw new Superseded();
  };
}

/**
 * Sorts the ledger's pairs and the desired delegates by account. A mailbox whose login has changed has two: the new one,
 * and the old one that everything leaves.
 */
export function targets(pass: Pick<Pass, 'mailbox' | 'desired' | 'held'>, pairs: readonly Pair[]): readonly Target[] {
  const { mailbox, desired, held } = pass;
  const owner = mailbox.rows?.login;
  const owners = [...new Set([...pairs.map(({ ownerLogin }) => ownerLogin), ...(owner === undefined ? [] : [owner])])];
  return owners.map((account) => {
    const here = pairs.filter(({ ownerLogin }) => ownerLogin === account);
    const wanted = account === owner ? desired.delegates : [];
    const pairOf = (login: string) => here.find((pair) => pair.login === login);
    return {
      owner: account,
      arriving: wanted.filter(({ login }) => pairOf(login) === undefined),
      staying: wanted.flatMap((delegate) => {
        const pair = pairOf(delegate.login);
        return pair === undefined ? [] : [{ delegate, pair }];
      }),
      leaving: here.filter(({ login }) => !held.has(login) && !wanted.some((delegate) => delegate.login === login)),
    };
  });
}
