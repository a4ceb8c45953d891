/**
 * Looks as delegates that a pass leaves for later, so that somebody with many mailboxes is logged in once for all of them: what each look must
 * show, and what was seen. They change nothing but subscriptions of those who arrive, whose open sessions they end. Whatever differs is for a pass of that mailbox, which mends it and looks again.
 */
import { NONE } from '../../acl/rights.ts';
import { type Failure, failureOf } from '../shared/failure.ts';
import { portions } from '../shared/portions.ts';
import type { FolderName } from '../store/state/ledger-pairs.ts';
import type { Notice } from '../store/state/outcomes.ts';
import { intendAllSubscriptions, type Subscribed } from '../store/state/subscriptions.ts';
import { passesAway } from './delegate-sessions.ts';
import type { DelegateView } from './driver-interfaces.ts';
import { sayings } from './out-of-reach.ts';
import type { LaterLook, Pass } from './pass.ts';
import type { Site } from './site.ts';

/** A mailbox of which all is done but these looks. */
export interface Unseen extends Pick<Pass, 'mailboxId' | 'address' | 'onBehalf' | 'identifiers' | 'unsettled'> {
  /** Of the rows that it was worked off by. */
  readonly version: number;
  readonly notices: readonly Notice[];
  readonly looks: readonly LaterLook[];
}

/**
 * `outOfReach`: sentences about folders that the delegate can't have a name for. `subscribed`: who arrives, to what; not noted yet but as intended.
 * `cut`: their sessions were ended before it; not noted yet.
 */
export type Seen =
  | {
      readonly kind: 'same';
      readonly outOfReach: readonly string[];
      readonly subscribed?: Subscribed;
      readonly cut?: boolean;
    }
  | { readonly kind: 'differs' }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** So many owners' questions are on their way at once in one session. */
const OWNERS_AHEAD = 10;

/** So many folders are subscribed to before it is looked whether anything has changed. */
const FOLDERS_AHEAD = 10;

/** More often than mailboxes can honestly cut somebody meanwhile. */
const MOST_CUTS = 20;

/**
 * One session for all of them, but where it is lost: it is opened anew then, and what was being asked is asked one by one. What a cut of our own
 * has ended counts for nothing. Never rejects; looks that it did not come to, because the sidecar is to leave, are missing from the answer.
 * @param letBy waits while somebody is more urgent
 * @param maySubscribe whether nothing has changed since that would forbid it
 */
export async function lookAsOne(
  site: Pick<Site, 'server' | 'gate' | 'cutter' | 'stopping' | 'state'>,
  login: string,
  looks: readonly LaterLook[],
  letBy: () => Promise<void>,
  maySubscribe: (look: LaterLook) => Promise<boolean>,
): Promise<ReadonlyMap<LaterLook, Seen>> {
  const seen = new Map<LaterLook, Seen>();
  const alone = new Set<LaterLook>();
  let cuts = 0;
  const left = () => looks.filter((look) => !seen.has(look));
  const fail = (some: readonly LaterLook[], error: unknown) => {
    for (const look of some) seen.set(look, { kind: 'failed', failure: failureOf(error) });
  };
  /** Until one session ends. */
  const session = async (view: DelegateView, wasCut: () => boolean) => {
    const together = left().filter((look) => !alone.has(look));
    const groups = [
      ...portions(together, OWNERS_AHEAD),
      ...[...alone].filter((look) => !seen.has(look)).map((one) => [one]),
    ];
    for (const group of groups) {
      await letBy();
      if (site.stopping()) return;
      const lost = new Map<LaterLook, unknown>();
      const arrived = new Map<LaterLook, Arrived>();
      const ask = async (look: LaterLook) => {
        try {
          const { arrives, ...result } = await lookAt(view, look);
          if (arrives === undefined) seen.set(look, result);
          else arrived.set(look, arrives);
        } catch (error) {
          if (passesAway(error)) lost.set(look, error);
          else fail([look], error);
        }
      };
      await Promise.all(group.map(ask));
      for (const [look, result] of await subscribeAll(site, view, arrived, maySubscribe)) seen.set(look, result);
      if (lost.size === 0) continue;
      if (wasCut() && cuts++ < MOST_CUTS) return;
      if (group.length === 1) for (const [look, error] of lost) fail([look], error);
      for (const look of lost.keys()) alone.add(look);
      return;
    }
  };
  const cut = new Set<LaterLook>();
  const cutAtGrant = async () => {
    const { cutter, gate } = site;
    const toCut = left().filter((look) => look.cuts && !cut.has(look));
    if (cutter === undefined || toCut.length === 0) return;
    try {
      await gate.cut(login, () => cutter.cut(login));
      for (const look of toCut) cut.add(look);
    } catch (error) {
      fail(toCut, error);
    }
  };
  while (left().length > 0 && !site.stopping()) {
    await letBy();
    await cutAtGrant();
    if (left().length === 0) break;
    const wasCut = site.gate.watch(login);
    try {
      const view = await site.server.asDelegate(login);
      try {
        await session(view, wasCut);
      } finally {
        view.close();
      }
    } catch (error) {
      if (!(passesAway(error) && wasCut() && cuts++ < MOST_CUTS)) fail(left(), error);
    }
  }
  return new Map(
    [...seen].map(([look, one]) => [look, one.kind === 'same' && cut.has(look) ? { ...one, cut: true } : one] as const),
  );
}

/** Somebody sees what they should, and isn't subscribed to all of it yet. */
interface Arrived {
  readonly outOfReach: readonly string[];
  readonly own: readonly FolderName[];
  readonly wanted: readonly FolderName[];
}

async function lookAt(
  view: DelegateView,
  { owner, folders, rights, subscribed, subscribes }: LaterLook,
): Promise<Seen & { readonly arrives?: Arrived }> {
  if ((await view.unreachable(owner)) !== undefined) return { kind: 'differs' }; // a pass says why
  const reached = await view.reach(owner, folders);
  const names = [...rights.keys()].filter((name) => reached.has(name));
  const [listed, has, list] = await Promise.all([
    view.listed(owner),
    view.rights(owner, names),
    subscribes ? view.subscribed(owner) : undefined,
  ]);
  const asItShould = (name: FolderName) => listed.has(name) && (has.get(name) ?? NONE) === rights.get(name);
  if (!names.every(asItShould) || !sameFolders(names, subscribed)) return { kind: 'differs' };
  const outOfReach = sayings(folders.filter(({ name }) => !reached.has(name)));
  if (list === undefined) return { kind: 'same', outOfReach };
  const own = names.filter((name) => list.has(name));
  const wanted = names.filter((name) => !list.has(name));
  return { kind: 'same', outOfReach, arrives: { outOfReach, own, wanted } };
}

/** In one commit it is noted what is about to be done; whatever comes in between is for a pass, which knows by that what may have been done. */
async function subscribeAll(
  { state }: Pick<Site, 'state'>,
  view: DelegateView,
  arrived: ReadonlyMap<LaterLook, Arrived>,
  maySubscribe: (look: LaterLook) => Promise<boolean>,
): Promise<ReadonlyMap<LaterLook, Seen>> {
  const may = new Map<LaterLook, Arrived>();
  for (const [look, one] of arrived) if (await maySubscribe(look)) may.set(look, one);
  if (may.size > 0)
    await intendAllSubscriptions(state, new Map([...may].map(([{ pairId }, { wanted }]) => [pairId, wanted])));
  const subscribe = async (look: LaterLook): Promise<Seen> => {
    const one = may.get(look);
    if (one === undefined) return { kind: 'differs' };
    const done: FolderName[] = [];
    const refused: FolderName[] = [];
    for (const some of portions(one.wanted, FOLDERS_AHEAD)) {
      if (!(await maySubscribe(look))) return { kind: 'differs' };
      await Promise.all(
        some.map(async (name) => void ((await view.subscribe(look.owner, name)) ? done : refused).push(name)),
      );
    }
    return { kind: 'same', outOfReach: one.outOfReach, subscribed: { own: one.own, done, refused } };
  };
  const orDiffers = (look: LaterLook) => subscribe(look).catch((): Seen => ({ kind: 'differs' }));
  return new Map(await Promise.all([...arrived.keys()].map(async (look) => [look, await orDiffers(look)] as const)));
}

function sameFolders(names: readonly FolderName[], subscribed: ReadonlySet<FolderName> | undefined): boolean {
  return subscribed === undefined || (subscribed.size === names.length && names.every((name) => subscribed.has(name)));
}
