/**
 * What each delegate really sees and may do, compared with what they should: their own MYRIGHTS on a fresh login, and the sender map
 * as Postfix reads it. Reads only.
 */

import type { Instant } from '../../acl/delegation-facts.ts';
import { desired, hasRule, type Policy, rightsOn, type SenderRule } from '../../acl/desired.ts';
import { deciding, lettingIn, named, withInherited } from '../../acl/foreign-entries.ts';
import { likeOurs, type OtherEntry, otherEntries } from '../../acl/other-entries.ts';
import { describeNotInForce } from '../../acl/policy.ts';
import { NONE, type Rights } from '../../acl/rights.ts';
import { entriesOnce } from '../../acl/same-folder.ts';
import type { MailServer, SenderPublisher } from '../reconcile/driver-interfaces.ts';
import { INBOX } from '../reconcile/driver-interfaces.ts';
import { beforeIn } from '../reconcile/tree.ts';
import { inEffect } from '../safeguards/withdrawn.ts';
import { Failure, failureOf } from '../shared/failure.ts';
import { foldersSeen } from '../store/state/folders-seen.ts';
import { type FolderName, type Pair, pairsOf, standingFirst } from '../store/state/ledger-pairs.ts';
import { otherEntriesOf } from '../store/state/other-entries.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { ownMailbox } from '../store/table/rows.ts';
import { closing, lookAsDelegate, lookAsOwner, type ReadTree } from './one-look.ts';
import { notHere } from './other-server.ts';

export interface Difference {
  readonly mailbox: string;
  /** A delegate's login; the owner's for their own sender rule, or when they have no account. */
  readonly login: string;
  readonly what: string;
}

export interface Checked {
  readonly mailbox: string;
  readonly delegates: number;
  readonly folders: number;
  readonly differences: readonly Difference[];
  /** Who else has access, by entries that aren't mandat's: no difference, and never silent. */
  readonly others: readonly ListedEntry[];
}

export interface ListedEntry extends OtherEntry {
  readonly mailbox: string;
  /** Since when mandat has seen it; null where no pass has yet. */
  readonly since: Instant | null;
}

export interface VerifySite {
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly server: MailServer;
  readonly senders: Pick<SenderPublisher, 'rules'> | undefined;
  readonly policy: Policy;
  readonly now: Instant;
  /** This state.db isn't the one that the table was worked off with (foreign-state.ts). */
  readonly foreign?: boolean;
}

/** Not yet a failure of ours: a sidecar that runs finds it at its next look ([schedule] folder_look_seconds) and mends it. */
const RECENT = 'the folder was made since mandat last looked, and is mended at its next look or sweep';

/**
 * `named`: somebody asks for this one, so the server is asked although nobody is to have anything there; likewise where this state.db doesn't know
 * what has been put there (`foreign`).
 */
const STRAY = 'this state.db is not the one that the table was worked off with, and the next pass takes it for its own';

async function placeOf({ query }: DelegationDb, id: number): Promise<string> {
  const row = await query.selectFrom('mailboxes').select('address').where('id', '=', id).executeTakeFirst();
  return row?.address ?? `mailbox ${id}`;
}

export async function verifyMailbox(site: VerifySite, mailboxId: number, named = false): Promise<Checked> {
  const mailbox = await ownMailbox(site.table, mailboxId);
  if (named && mailbox.movedTo !== undefined) throw notHere(await placeOf(site.table, mailboxId), mailbox.movedTo);
  const pairs = await pairsOf(site.state, mailboxId);
  const want = desired(mailbox.rows, await inEffect(site.policy, site.state), site.now, standingFirst(pairs));
  const address = mailbox.rows?.address ?? pairs[0]?.address ?? `mailbox ${mailboxId}`;
  const differences: Difference[] = [];
  const differs = (login: string, what: string) => differences.push({ mailbox: address, login, what });

  if (site.senders !== undefined) compareSenders(site.senders.rules(mailboxId), want.senders, differs);

  const logins = want.delegates.map(({ login }) => login);
  const out = [
    ...want.withheld.map(({ login, why }) => ({ login, why: describeNotInForce(why) })),
    ...pairs.filter(({ login }) => !logins.includes(login)).map(({ login }) => ({ login, why: 'it has been revoked' })),
  ].filter(({ login }, at, all) => all.findIndex((other) => other.login === login) === at);
  const owners = new Set([
    ...(mailbox.rows === undefined ? [] : [mailbox.rows.login]),
    ...pairs.map(({ ownerLogin }) => ownerLogin),
  ]);
  let folderCount = 0;
  const others: ListedEntry[] = [];
  for (const owner of owners) {
    const noted = await otherEntriesOf(site.state, site.server.name, owner);
    if (logins.length + out.length + noted.length === 0 && !named && site.foreign !== true) continue;
    const tree = await treeOf(site.server, owner);
    if (tree instanceof Failure) {
      // Of an account that they are to have nothing of, it is as good as revoked.
      if (owner === mailbox.rows?.login && logins.length > 0) differs(owner, tree.message);
      continue;
    }
    const { folders, entries } = tree;
    if (owner === mailbox.rows?.login) {
      const strays = site.foreign === true ? likeOurs(folders, entries, owner, site.policy.rights) : [];
      for (const login of strays)
        if (![...logins, ...out.map((one) => one.login)].includes(login))
          differs(login, `has an entry just as mandat writes them, and no row: ${STRAY}`);
      const ours = pairs.filter((pair) => pair.ownerLogin === owner && pair.phase !== 'revoking');
      const known = new Set(ours.map(({ login }) => login));
      for (const one of otherEntries(
        entriesOnce(folders, (name) => entries.get(name)),
        owner,
        known,
      )) {
        const since = noted.find(({ identifier }) => identifier === one.identifier)?.since ?? null;
        others.push({ mailbox: address, ...one, since });
      }
    }
    folderCount += folders.length;
    const seen = await foldersSeen(site.state, site.server.name, owner);
    const recent = new Set(folders.filter(({ id }) => seen?.includes(id) === false).map(({ name }) => name));
    for (const { login, rights } of owner === mailbox.rows?.login ? want.delegates : []) {
      const pair = pairs.find((one) => one.login === login && one.ownerLogin === owner);
      const hadBefore = (folder: FolderName) => pair?.subscriptions.has(folder) === true;
      await compareGranted(site.server, owner, login, tree, rights, hadBefore, (folder, what) =>
        differs(login, recent.has(folder) ? `${what}; ${RECENT}` : what),
      );
    }
    const moved = pairs.filter(({ ownerLogin }) => ownerLogin === owner);
    const leavers =
      owner === mailbox.rows?.login || mailbox.rows === undefined
        ? out
        : moved.map(({ login }) => ({ login, why: 'the mailbox has another login now' }));
    for (const { login, why } of leavers) {
      const pair = pairs.find((one) => one.login === login && one.ownerLogin === owner);
      await compareRevoked(site.server, owner, login, tree, pair, (what) => differs(login, `${what}, although ${why}`));
    }
  }
  return { mailbox: address, delegates: logins.length, folders: folderCount, differences, others };
}

/** A failure when the server knows no such account, or by another name: the other mailboxes are to be looked at too. */
async function treeOf(server: MailServer, owner: string): Promise<ReadTree | Failure> {
  try {
    return await lookAsOwner(server, owner);
  } catch (error) {
    return ofTheAccount(error);
  }
}

async function compareGranted(
  server: MailServer,
  owner: string,
  login: string,
  { folders, entries }: ReadTree,
  granted: Rights,
  /** Folders that nobody could reach are left out, but for those that the delegate has been subscribed to. */
  hadBefore: (folder: FolderName) => boolean,
  differs: (folder: FolderName, what: string) => void,
): Promise<void> {
  try {
    const view = await server.asDelegate(login);
    const { why, reachable, listed, seen } = await closing(view, async () => {
      // Where they have no entry yet, that is why they are shown nothing.
      const why = entries.get(INBOX)?.has(login) === true ? await view.unreachable(owner) : undefined;
      const reached = await view.reach(owner, folders);
      const reachable = folders.filter(({ name }) => name === INBOX || reached.has(name) || hadBefore(name));
      const names = reachable.map(({ name }) => name);
      return { why, reachable, listed: await view.listed(owner), seen: await view.rights(owner, names) };
    });
    if (why !== undefined) differs(INBOX, `${why.message}: ${why.hint}`);
    for (const folder of why === undefined ? reachable : []) {
      const should = rightsOn(folder, granted);
      const has = seen.get(folder.name) ?? NONE;
      const own = entries.get(folder.name)?.get(login) ?? should;
      const by = has === should ? [] : deciding(at(entries, folder.name), login, own, has);
      if (has !== should)
        differs(folder.name, `${folder.name}: may ${has || 'nothing'}, should ${should}${because(by)}`);
      else if (!listed.has(folder.name)) differs(folder.name, `${folder.name}: LIST does not show it to them`);
    }
  } catch (error) {
    differs(INBOX, ofTheAccount(error).message);
  }
}

async function compareRevoked(
  server: MailServer,
  owner: string,
  login: string,
  { folders, entries }: ReadTree,
  pair: Pair | undefined,
  differs: (what: string) => void,
): Promise<void> {
  try {
    const seen = await lookAsDelegate(server, owner, login);
    for (const [name, has] of seen) {
      const folder = folders.find((one) => one.name === name);
      const before = pair === undefined || folder === undefined ? undefined : beforeIn(pair, folder);
      const by = lettingIn(at(entries, name), login, has);
      if (has !== NONE && has !== before) differs(`${name}: may ${has}${because(by)}`);
    }
  } catch (error) {
    ofTheAccount(error);
  }
}

/** What is wrong with one account, and with no other. Throws anything else. */
function ofTheAccount(error: unknown): Failure {
  const failure = failureOf(error);
  if (!['NO_ACCOUNT', 'ACCOUNT_CLOSED', 'OTHER_LOGIN'].includes(failure.rule ?? '')) throw error;
  return failure;
}

const at = (entries: ReadTree['entries'], folder: FolderName) => withInherited(entries.get(folder), entries.get(INBOX));

/** Somebody else's entries, which mandat leaves alone. */
const because = (identifiers: readonly string[]) => (identifiers.length === 0 ? '' : `, by ${named(identifiers)}`);

function compareSenders(
  published: readonly SenderRule[],
  wanted: readonly SenderRule[],
  differs: (login: string, what: string) => void,
): void {
  for (const rule of wanted)
    if (!hasRule(published, rule)) differs(rule.login, `may not send as ${rule.address}, should`);
  for (const rule of published)
    if (!hasRule(wanted, rule)) differs(rule.login, `may send as ${rule.address}, should not`);
}
