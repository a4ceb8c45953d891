/** Steps of people at their mail programs: folders made, renamed and deleted, entries set by hand, messages sent. */
import { rfc5322 } from '../../../config/lab/deliver.ts';
import { quoted, type RawImap } from '../../../config/lab/raw-imap.ts';
import { submissionAs } from '../../servers/submission.ts';
import { sorted } from '../../servers/wire.ts';
import { ownSight } from './eyes.ts';
import { Broken, type History, heldOf, spot } from './history.ts';
import { foreignIn } from './judge.ts';
import { type Model, mayEnter, maySendAs } from './model.ts';
import { type Account, type Address, KEPT, type Person } from './people.ts';
import { settle } from './settle.ts';
import type { Step } from './steps.ts';
import { asPerson, folderAt } from './world.ts';

type Of<K extends Step['do']> = Extract<Step, { do: K }>;

export async function folder(history: History, step: Of<'folder'>): Promise<boolean> {
  const { as, at: account, op, name, below, to, into, there = false } = step;
  const { site } = history.world;
  const { group } = history;
  const root = as === account ? '' : `shared/${group.at(account)}/`;
  const made = there && op !== 'create' ? await madeAt(history, account) : undefined;
  if (made?.length === 0) return false;
  const old = made?.[name % made.length];
  const here = old === undefined ? folderAt(name, below === name ? undefined : below, root) : quoted(root + old);
  const moved = folderAt(to, into === to ? undefined : into, root);
  const line = op === 'rename' ? `RENAME ${here} ${moved}` : `${op.toUpperCase()} ${here}`;
  const { status } = await asPerson(site, as, (imap) => imap.command(line), group);
  const whose = as === account ? 'the owner' : mayEnter(history.model, as, account) ? 'a delegate' : 'somebody else';
  const kind = op === 'rename' && into !== undefined ? 'move' : op;
  history.played.add(`folder: ${kind} by ${whose}${status === 'OK' ? '' : ', refused'}`);
  if (status !== 'OK' || op === 'subscribe' || op === 'unsubscribe') return true;
  const mayNot = !mayEnter(history.model, as, account) && !history.everByHand.has(spot(as, account));
  if (as !== account && !history.dirty && mayNot) throw new Broken('I1', `${spot(as, account)}: ${line}: OK`);
  await noteForeign(history, account);
  history.dirty = true;
  return true;
}

/** Folders that steps have made there and that still stand, as they are named on the wire. */
async function madeAt({ world, group }: History, account: Account): Promise<readonly string[]> {
  const { folders } = await asPerson(world.site, account, (imap) => ownSight(imap, account, group), group);
  return folders.filter((name) => !KEPT.includes(name)).sort();
}

/** What is foreign stands from now on as it stands now: a server copies entries to a new folder by itself, and moves them with a folder. */
async function noteForeign(history: History, account: Account): Promise<void> {
  const { world, group } = history;
  const { entries } = await asPerson(world.site, account, (imap) => ownSight(imap, account, group), group);
  history.foreign.set(account, foreignIn(entries, group));
}

export const WIDE = 'lrswipkxtea';
const WHOLE = 'lrswipkxte';
const NARROW = 'lr';
const BY_HAND = 'lrs';

export async function entry(history: History, step: Of<'entry'>): Promise<boolean> {
  const { at: account, what, delegate, folder: fixed } = step;
  const { at } = history.group;
  const who = history.model.table.delegateLogin[delegate];
  if (who === account) return false;
  const where = spot(who, account);
  const set = (identifier: string, rights: string) => `SETACL ${fixed} ${quoted(identifier)} ${rights}`;
  const does = async (...lines: readonly string[]) => {
    const each = async (imap: RawImap) => {
      for (const line of lines) await imap.command(line);
    };
    await asPerson(history.world.site, account, each, history.group);
    await noteForeign(history, account);
    history.dirty = true;
    return true;
  };
  switch (what) {
    case 'stranger':
      history.everByHand.set(spot('zoe', account), sorted(BY_HAND));
      return does(set(at('zoe'), BY_HAND));
    case 'group':
      return does(set('$team', NARROW));
    case 'negative':
      return does(set(`-${at('zoe')}`, 's'));
    case 'against':
      history.against.set(account, new Set([...(history.against.get(account) ?? []), who]));
      return does(set(`-${at(who)}`, 'w'));
  }
  await settle(history); // whose entry it is, must be clear
  const ours = mayEnter(history.model, who, account);
  switch (what) {
    case 'hand':
    case 'unhand': {
      if (ours) return false;
      const given = { ...history.hand.get(where) };
      if (what === 'hand') {
        given[fixed] = sorted(BY_HAND);
        history.everByHand.set(where, sorted(BY_HAND));
      } else delete given[fixed];
      history.hand.set(where, given);
      return does(what === 'hand' ? set(at(who), BY_HAND) : `DELETEACL ${fixed} ${at(who)}`);
    }
    case 'narrow':
      return ours && does(set(at(who), NARROW));
    case 'widen':
      return ours && does(set(at(who), WIDE));
    case 'remove':
      return ours && does(`DELETEACL ${fixed} ${at(who)}`);
    case 'copy': {
      const other = folderAt(step.name, undefined);
      return ours && does(`CREATE ${other}`, `SETACL ${other} ${at(who)} ${WHOLE}`);
    }
  }
}

export async function message(history: History, { as, from }: Of<'message'>): Promise<boolean> {
  const { model, dirty, world, group } = history;
  const { at } = group;
  const letter = { from: at(from), to: 'patient@elsewhere.test', subject: 'proof', body: 'proof' };
  const session = await submissionAs(world.site, group.named(as));
  try {
    const { at: where, text } = await session.sendMail(at(from), letter.to, rfc5322(letter));
    const taken = where === 'accepted';
    const whose = as === from ? 'of their own' : 'of another';
    history.played.add(`message: from an address ${whose}${taken ? '' : ', refused'}`);
    if (dirty) return true; // the watchers and the next settling judge it
    if (taken && !maySendAs(model, as, from)) throw new Broken('I1', `${as} sent as ${from}`);
    const runs = world.sidecar !== undefined && !world.frozen && !model.fromThePast && heldOf(history).length === 0;
    if (!taken && runs && mayWriteAs(model, as, from)) throw new Broken('I2', `${as} as ${from}: ${text}`);
    if (taken && !mayWriteAs(model, as, from)) throw new Broken('I1', `${as} wrote as ${from}`);
    return true;
  } finally {
    session.close();
  }
}

/** The filter goes by the table: an address that is a mailbox's is its owner's and its delegates', whatever it was before. */
function mayWriteAs(model: Model, who: Person, address: Address): boolean {
  const { table } = model;
  const mailbox = table.address.alice === address ? 'alice' : table.address.bob === address ? 'bob' : undefined;
  if (mailbox === undefined) return who === address;
  return table.login[mailbox] === who || (maySendAs(model, who, address) && who !== address);
}
