/**
 * Who else has access by an entry that isn't ours, noted at each look at a whole tree; and `a` in the hands of a delegate in force, which is
 * drift: whoever administers a folder passes it on. Theirs is taken away, what they have given to others stays and is named.
 */
import { type OtherEntry, otherEntries, whoseEntry } from '../../acl/other-entries.ts';
import type { Rights } from '../../acl/rights.ts';
import { entriesOnce } from '../../acl/same-folder.ts';
import { administerNotices } from '../notify/administer-notices.ts';
import { type FolderName, pairsOf } from '../store/state/ledger-pairs.ts';
import { noteOtherEntries, otherEntriesOf } from '../store/state/other-entries.ts';
import { enqueue } from '../store/state/outbox.ts';
import type { OwnerView } from './driver-interfaces.ts';
import { INBOX } from './driver-interfaces.ts';
import type { Pass, Target } from './pass.ts';
import type { Said } from './site.ts';
import type { Tree } from './tree.ts';

/** So many folders are named in the trail. */
const NAMED = 20;

/** Before the outcome of a first phase is told: as last noted, and INBOX as it stands now but for our own changes. */
export async function seeOthers(pass: Pass, { leaving, staying, arriving }: Target, owner: OwnerView): Promise<void> {
  const { state, server } = pass.site;
  const inbox: Map<string, Rights> = new Map(owner.inbox);
  for (const { login, inboxBefore } of leaving) {
    if (inboxBefore === undefined) inbox.delete(login);
    else inbox.set(login, inboxBefore);
  }
  const ours = new Set([...staying.map(({ delegate }) => delegate.login), ...arriving.map(({ login }) => login)]);
  const noted = await otherEntriesOf(state, server.name, owner.login);
  for (const { identifier } of [...noted, ...otherEntries([inbox], owner.login, new Set([...ours, ...pass.held]))])
    if (!ours.has(identifier)) pass.others.add(whoseEntry(identifier));
}

/** After the whole tree has been brought in line. Of an account that the mailbox has left nothing is kept. */
export async function noteOthers(pass: Pass, owner: string, tree: Tree): Promise<void> {
  const { state, server, clock } = pass.site;
  const here = owner === pass.mailbox.rows?.login;
  const found = here ? otherEntries(entriesOnce(tree.folders, tree.entries), owner, await oursAt(pass, owner)) : [];
  const { come, gone } = await noteOtherEntries(state, server.name, owner, found, clock.now());
  for (const { identifier } of found) pass.others.add(whoseEntry(identifier));
  if (!here) return;
  const line = (action: Said['action'], { identifier, rights, folders }: OtherEntry): Said => ({
    action,
    mailbox: pass.address,
    onBehalf: pass.onBehalf,
    delegate: null,
    detail: { identifier, rights, folders },
  });
  const lines = [...come.map((one) => line('other-entry', one)), ...gone.map((one) => line('other-entry-gone', one))];
  if (lines.length > 0) await pass.site.audit(lines);
}

/** Whether somebody else's entry is known there: then the account is looked at although it is delegated to nobody. */
export async function othersKnown({ site }: Pass, owner: string): Promise<boolean> {
  return (await otherEntriesOf(site.state, site.server.name, owner)).length > 0;
}

/** Of an account that the server no longer knows. */
export async function forgetOthers({ site }: Pass, owner: string): Promise<void> {
  await noteOtherEntries(site.state, site.server.name, owner, [], site.clock.now());
}

async function oursAt({ site, mailboxId }: Pass, owner: string): Promise<ReadonlySet<string>> {
  const pairs = await pairsOf(site.state, mailboxId);
  return new Set(
    pairs.filter((pair) => pair.ownerLogin === owner && pair.phase !== 'revoking').map(({ login }) => login),
  );
}

/** Notes folders in which delegates who have had the mailbox already hold `a` by their own entry, beyond what they were given. */
export function seeAdministering(
  pass: Pass,
  { staying }: Target,
  folders: Iterable<readonly [FolderName, (login: string) => Rights | undefined]>,
): void {
  for (const [folder, entry] of folders) {
    for (const { delegate, pair } of staying) {
      // Before the first look is over, what stood there before the grant may stand there still.
      if (pair.phase !== 'verified' && !(folder === INBOX && pair.phase === 'in-force')) continue;
      if (delegate.rights.includes('a') || entry(delegate.login)?.includes('a') !== true) continue;
      const known = pass.administering.get(delegate.login) ?? new Set();
      pass.administering.set(delegate.login, known.add(folder));
    }
  }
}

/** Once it is taken away: into the trail, and to the owner. What a pass leaves for the look as the delegate is told by the pass that mends it. */
export async function tellAdministering(pass: Pass, login: string, tree: Tree): Promise<void> {
  const seen = pass.administering.get(login);
  if (seen === undefined) return;
  pass.administering.delete(login);
  const left = [...pass.drift.values()].filter((one) => one.login === login);
  const isTheirs = (folder: FolderName) =>
    left.some((one) => one.left.has(folder)) || tree.entry(folder, login)?.includes('a') === true;
  const folders = new Set([...seen].filter((folder) => !isTheirs(folder)));
  if (folders.size === 0) return; // still theirs
  const { state, clock, audit, noticeRules } = pass.site;
  const now = clock.now();
  const notices = noticeRules === undefined ? [] : await administerNotices(pass, noticeRules, login, now);
  const detail = { login, count: folders.size, folders: [...folders].slice(0, NAMED) };
  const delegate = pass.identifiers.get(login) ?? login;
  await state.write(async (query) => {
    await audit([{ action: 'administer-taken', mailbox: pass.address, onBehalf: pass.onBehalf, delegate, detail }], {
      query,
    });
    if (noticeRules !== undefined) await enqueue({ query }, notices, now, noticeRules.domain);
  });
}
