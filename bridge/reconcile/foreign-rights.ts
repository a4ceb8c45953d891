/** What other people's entries make of a delegate's rights: said with their names, for all folders with the same at once. They stay. */
import { deciding, lettingIn, named, withInherited } from '../../acl/foreign-entries.ts';
import { covers, missing, type Rights } from '../../acl/rights.ts';
import { Failure } from '../shared/failure.ts';
import type { FolderName } from '../store/state/ledger-pairs.ts';
import { INBOX } from './driver-interfaces.ts';
import type { Pass } from './pass.ts';
import type { Tree } from './tree.ts';

export interface Seen {
  readonly folder: FolderName;
  readonly desired: Rights;
  readonly seen: Rights;
}

const STAYS = "other people's entries are left alone";
/** So many folders are named. */
const NAMED = 5;

/**
 * Their own entries are right and yet they see something else: foreign entries decide. `elsewhere`: what the delegate may in a folder that
 * isn't there, where neither INBOX's entry nor its lack explains it. Fails where nothing explains what they see.
 */
export function tellDeciding(
  pass: Pass,
  tree: Tree,
  login: string,
  differ: readonly Seen[],
  elsewhere: Rights | undefined,
): void {
  const said = new Map<string, FolderName[]>();
  const unexplained: Seen[] = [];
  for (const one of differ) {
    const sentence = decision(tree, login, one, elsewhere);
    if (sentence === undefined) unexplained.push(one);
    else said.set(sentence, [...(said.get(sentence) ?? []), one.folder]);
  }
  for (const [sentence, folders] of said)
    notice(
      pass,
      login,
      sentence.replace(IN, () => `in ${listing(folders)}`),
    );
  for (const { folder, desired, seen } of unexplained) {
    if (seen === desired) {
      throw new Failure(
        'retry',
        `${login} has their rights in ${folder} of ${pass.address}, but LIST does not show it to them`,
        'see acl_shared_dict in mandat.conf of config/dovecot/',
      );
    }
    throw new Failure(
      'config',
      `${login} sees ${seen || 'nothing'} in ${folder} of ${pass.address}, though their entry gives ${desired}, and no entry that GETACL shows explains it`,
      `a line of the global ACL file for the name that ${login} sees may decide, or an ACL cache (cache_secs): doveconf plugin/acl`,
    );
  }
}

/** Where the folders go in a sentence: no entry's name holds it. */
const IN = '\0';

/** Undefined where nothing explains it. */
function decision(
  tree: Tree,
  login: string,
  { folder, desired, seen }: Seen,
  elsewhere: Rights | undefined,
): string | undefined {
  if (seen === desired) return undefined;
  const by = whoDecides(deciding(entriesAt(tree, folder), login, desired, seen), seen === elsewhere);
  const lacking = missing(desired, seen);
  const more = missing(seen, desired);
  if (by !== undefined) {
    const gives = more === '' ? [] : [`gives ${login} ${more} more than granted`];
    if (lacking === '') return `${by} ${IN} ${gives.join()}; ${STAYS}`;
    return `blocked by ${by} ${IN} ${[`keeps ${lacking} from ${login}`, ...gives].join(' and ')}; ${STAYS}`;
  }
  if (!covers(seen, desired)) return undefined;
  return `${login} has ${more} more ${IN} than granted, by an entry that isn't their own`;
}

/** The global ACL file is matched with the name that each session has for a folder: a line for `shared/*` shows to no owner. */
const UNSEEN = "foreign entry: a line of the site's global ACL file that the owner's GETACL doesn't show,";

function whoDecides(by: readonly string[], elsewhereToo: boolean): string | undefined {
  return by.length > 0 ? named(by) : elsewhereToo ? UNSEEN : undefined;
}

/** Who leaves still sees folders by entries of others: somebody else lets them in. */
export function tellLettingIn(pass: Pass, tree: Tree, login: string, visible: ReadonlyMap<FolderName, Rights>): void {
  const said = new Map<string, FolderName[]>();
  for (const [folder, seen] of visible) {
    const letting = lettingIn(entriesAt(tree, folder), login, seen);
    const by = letting.length > 0 ? letting.join(', ') : "none that the owner's GETACL shows: see the global ACL file";
    const sentence = `by an entry that isn't their own (${by}); ${STAYS}`;
    said.set(sentence, [...(said.get(sentence) ?? []), folder]);
  }
  for (const [sentence, folders] of said)
    pass.notices.push({
      code: 'let-in-by-foreign-entry',
      login,
      message: `${login} still sees ${listing(folders)} of ${pass.address} ${sentence}`,
    });
}

/** The folder's, and those of INBOX that it may inherit. */
function entriesAt(tree: Tree, folder: FolderName): ReadonlyMap<string, Rights> {
  return withInherited(tree.entries(folder), tree.entries(INBOX));
}

/** The first of them, INBOX before the others, and how many more. */
export function listing(folders: readonly FolderName[]): string {
  const more = folders.length - NAMED;
  const inOrder = [...folders].sort((one, other) => Number(other === INBOX) - Number(one === INBOX));
  const shown = inOrder.slice(0, NAMED).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function notice(pass: Pass, login: string, message: string): void {
  pass.notices.push({ code: 'blocked-by-foreign-entry', login, message });
}
