/** What everybody can do, compared with the model: I1 to I4. */
import { outcome } from '../../servers/outcomes.ts';
import { FULL, SPECIAL, SPECIALS, sorted } from '../../servers/wire.ts';
import { WIDE } from './by-hand.ts';
import { lookAround, type OwnSight, type Seen, type Sight } from './eyes.ts';
import type { Group } from './group.ts';
import { Broken, type Entries, type History, spot } from './history.ts';
import { judgeRecords } from './judge-records.ts';
import { type Model, mayEnter, maySendAs, rowOf } from './model.ts';
import { ACCOUNTS, type Account, ADDRESSES, FIXED, PEOPLE, type Person } from './people.ts';

const OWNER = sorted('lrswipkxtea');

/** Throws {@link Broken} at the first difference. `before`: the model when it was settled last, with the steps since. */
export async function judge(history: History, before: Model): Promise<void> {
  const [seen] = await Promise.all([lookAround(history.world.site, history.group), history.watchers.wake()]);
  for (const account of ACCOUNTS) {
    ownerKeepsAll(account, seen.own[account]);
    foreignStand(history, account, seen.own[account].entries);
    for (const person of PEOPLE) {
      const theirs = seen.others[person]?.[account];
      if (theirs === undefined) continue;
      if (!mayEnter(history.model, person, account)) outsider(history, person, account, theirs, seen.own[account]);
      else await delegate(history, person, account, theirs, seen.own[account]);
    }
  }
  senders(history.model, seen);
  judgeRecords(history, before);
}

/** Whose row has gone, and whom the guard keeps: what stands of theirs is left as it is, whatever others do to it by hand. */
const isHeld = ({ standing, table }: Model, person: Person, account: Account): boolean =>
  standing.some((one) => one.who === person && one.owner === account && !rowOf(table, one));

function ownerKeepsAll(account: Account, { rights }: OwnSight): void {
  for (const [folder, has] of Object.entries(rights))
    if (has !== OWNER) throw new Broken('I4', `the owner ${account} has ${has} on ${folder}`);
}

/** I2: exactly what is promised, in every folder that there is. */
async function delegate(
  history: History,
  person: Person,
  account: Account,
  { rights, reads, writes }: Sight,
  { folders }: OwnSight,
): Promise<void> {
  const expected = Object.fromEntries(folders.map((name) => [name, SPECIALS.includes(name) ? SPECIAL : FULL]));
  const wrong = [...new Set([...folders, ...Object.keys(rights)])].filter((name) => rights[name] !== expected[name]);
  if (wrong.length === 0 && reads && writes) return;
  const what = wrong.map((name) => `${name}: ${rights[name] ?? 'nothing'} instead of ${expected[name] ?? 'nothing'}`);
  const text = `${spot(person, account)}: ${what.join(', ')}; reads ${reads}, writes ${writes}`;
  const held = isHeld(history.model, person, account);
  if (!held && !history.against.get(account)?.has(person)) throw new Broken('I2', text);
  // What an owner's own hand has widened of who is held stays, as all of theirs.
  const widened = (name: string) => held && rights[name] === sorted(WIDE);
  const more = wrong.filter(
    (name) => !widened(name) && [...(rights[name] ?? '')].some((right) => !(expected[name] ?? '').includes(right)),
  );
  if (more.length > 0) throw new Broken('I1', `more than is promised: ${text}`);
  const mailbox = Object.entries(history.model.table.login).find(([, login]) => login === account)?.[0] as
    | 'alice'
    | 'bob';
  const { at, named } = history.group;
  const notices = (await outcome(history.world.site, named(history.model.table.address[mailbox])))?.notices ?? [];
  const code = held ? 'held' : 'blocked-by-foreign-entry';
  if (!notices.some((one) => one.code === code && one.login === at(person)))
    throw new Broken('I2', `${held ? 'it is held' : 'an entry stands in the way'} and status does not say so: ${text}`);
}

/** I1: nothing, or what the owner gave by hand at most. */
function outsider(
  { hand, everByHand, group }: History,
  person: Person,
  account: Account,
  { rights, reads, writes }: Sight,
  { entries }: OwnSight,
): void {
  const where = spot(person, account);
  const bound = everByHand.get(where) ?? '';
  const beyond = (has: string) => [...has].some((right) => !bound.includes(right));
  for (const [folder, has] of Object.entries(rights))
    if (beyond(has) || bound === '')
      throw new Broken('I1', `${where} sees ${folder} with ${has}, given by hand: ${bound}`);
  if (reads && !bound.includes('r')) throw new Broken('I1', `${where} reads`);
  if (writes && !bound.includes('i')) throw new Broken('I1', `${where} writes`);
  if (person === 'zoe') return; // hers are among the foreign ones
  for (const [folder, there] of Object.entries(entries)) {
    const entry = there[group.at(person)];
    const given = (hand.get(where) as Record<string, string> | undefined)?.[folder];
    const fixed = (FIXED as readonly string[]).includes(folder);
    if (fixed ? entry !== given : entry !== undefined && beyond(entry))
      throw new Broken('I3', `${where}: the entry on ${folder} is ${entry}, and was ${given}`);
  }
}

/** I3: every entry of people and groups that mandat has nothing to do with. */
function foreignStand({ foreign, group }: History, account: Account, entries: Entries): void {
  const before = JSON.stringify(foreign.get(account) ?? {});
  const now = JSON.stringify(foreignIn(entries, group));
  if (before !== now) throw new Broken('I3', `foreign entries at ${account}: ${now}, and were ${before}`);
}

const OURS = ['bob', 'carol', 'dave', 'erin'] as const;

/** Folders that have any, by name; identifiers by name. */
export function foreignIn(entries: Entries, { at }: Group): Entries {
  const ours: readonly string[] = OURS.map(at);
  const found = Object.entries(entries)
    .map(([folder, there]) => {
      const theirs = Object.entries(there).filter(([identifier]) => !ours.includes(identifier));
      return [folder, Object.fromEntries(theirs.sort(([a], [b]) => (a < b ? -1 : 1)))] as const;
    })
    .filter(([, there]) => Object.keys(there).length > 0);
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** I1, I2, I4, of sending. */
function senders(model: Model, seen: Seen): void {
  for (const person of PEOPLE) {
    for (const address of ADDRESSES) {
      const taken = seen.senders[person]?.includes(address) ?? false;
      const may = maySendAs(model, person, address);
      if (taken !== may) throw new Broken(taken ? 'I1' : 'I2', `${person} as ${address}: Postfix says ${taken}`);
    }
  }
}
