/**
 * The delegates' half of many passes: what each has left to be looked at (later-looks.ts) is kept until as many as there are have come, and then
 * looked at by person. A mailbox of which every look is in is given back to the schedule, so that no pass of it runs while they are recorded.
 * Any other pass of it, and any hint that something has changed there, makes its looks void.
 */

import { lookAsOne, type Seen, type Unseen } from '../reconcile/later-looks.ts';
import type { LaterLook } from '../reconcile/pass.ts';
import type { Site } from '../reconcile/site.ts';
import { paused } from '../safeguards/pause.ts';
import { changedSince } from '../store/table/rows.ts';
import { countedLogins } from './login-budget.ts';
import type { Schedule } from './schedule.ts';

/** One mailbox's looks, all of them in. */
export interface Looked {
  readonly unseen: Unseen;
  readonly seen: ReadonlyMap<LaterLook, Seen>;
}

export interface DelegatesHalf {
  keep(unseen: Unseen): void;
  /** Of a mailbox that is about to be worked on: what has been seen of it, if all has. It is not kept any longer. */
  take(mailboxId: number): Looked | undefined;
  /** What was kept counts for nothing any more. */
  forget(mailboxId: number): void;
  forgetAll(): void;
  /** Looks at all that is kept and wasn't looked at yet, by person. Resolves to the mailboxes that were given back. */
  look(): Promise<readonly number[]>;
  kept(): readonly number[];
  /** Too much is kept for any more. */
  readonly full: boolean;
  readonly waiting: number;
}

/** Folders of all that is kept: their names are in memory. */
const MOST_FOLDERS = 100_000;

export interface HalfOptions {
  readonly site: () => Pick<Site, 'server' | 'gate' | 'cutter' | 'stopping' | 'table' | 'state'>;
  readonly schedule: Pick<Schedule, 'beside' | 'calm' | 'add'>;
  /** As what its sessions take their places. */
  readonly urgency: 'rest' | 'sweep';
  /** Before each person's session; rejects where there is to be none any more. */
  readonly before?: () => Promise<void>;
  /** Around each person's session; `login` hears of each that it asks for. */
  readonly within?: <T>(work: (login: () => void) => Promise<T>) => Promise<T>;
}

export function openDelegatesHalf({
  site,
  schedule,
  urgency,
  before = async () => {},
  within = (work) => work(() => {}),
}: HalfOptions): DelegatesHalf {
  const kept = new Map<number, Looked & { readonly seen: Map<LaterLook, Seen> }>();
  const begun = new Set<LaterLook>();
  const sizeOf = ({ looks }: Unseen) => looks.reduce((sum, { folders }) => sum + folders.length, 0);
  let folders = 0;

  const forget = (mailboxId: number) => {
    const one = kept.get(mailboxId);
    if (one === undefined) return;
    kept.delete(mailboxId);
    folders -= sizeOf(one.unseen);
    for (const look of one.unseen.looks) begun.delete(look);
  };
  const isWhole = ({ unseen, seen }: Looked) => unseen.looks.every((look) => seen.has(look));

  const byPerson = () => {
    const people = new Map<string, { readonly mailboxId: number; readonly look: LaterLook }[]>();
    for (const [mailboxId, { unseen }] of kept)
      for (const look of unseen.looks) {
        if (begun.has(look)) continue;
        begun.add(look);
        const theirs = people.get(look.login) ?? [];
        people.set(look.login, theirs);
        theirs.push({ mailboxId, look });
      }
    return people;
  };
  const isKept = (mailboxId: number, look: LaterLook) => kept.get(mailboxId)?.unseen.looks.includes(look) === true;

  /** No pass has begun since, no row has changed, and nothing is paused. */
  const maySubscribe = async (mailboxId: number | undefined, look: LaterLook) => {
    const { table, state } = site();
    const one = mailboxId === undefined ? undefined : kept.get(mailboxId);
    if (one === undefined || (await changedSince(table, one.unseen.mailboxId, one.unseen.version))) return false;
    return (await paused(state)) === undefined && isKept(one.unseen.mailboxId, look);
  };

  return {
    keep: (unseen) => {
      forget(unseen.mailboxId);
      kept.set(unseen.mailboxId, { unseen, seen: new Map() });
      folders += sizeOf(unseen);
    },
    take: (mailboxId) => {
      const one = kept.get(mailboxId);
      forget(mailboxId);
      return one !== undefined && isWhole(one) ? one : undefined;
    },
    forget,
    forgetAll: () => {
      for (const mailboxId of [...kept.keys()]) forget(mailboxId);
    },
    look: async () => {
      const givenBack: number[] = [];
      const session = async (
        login: string,
        all: readonly { readonly mailboxId: number; readonly look: LaterLook }[],
      ) => {
        const looks = all.filter(({ mailboxId, look }) => isKept(mailboxId, look));
        const seen = await within((counted) => {
          const { server, gate, cutter, stopping, state } = site();
          const through = { server: countedLogins(server, counted), gate, cutter, stopping, state };
          const mailboxOf = new Map(looks.map(({ mailboxId, look }) => [look, mailboxId]));
          return lookAsOne(through, login, [...mailboxOf.keys()], schedule.calm, async (look) =>
            maySubscribe(mailboxOf.get(look), look),
          );
        });
        for (const { mailboxId, look } of looks) {
          const one = kept.get(mailboxId);
          const result = seen.get(look);
          if (one === undefined || result === undefined || !isKept(mailboxId, look)) continue;
          one.seen.set(look, result);
          if (!isWhole(one)) continue;
          givenBack.push(mailboxId);
          schedule.add(mailboxId, 'rest');
        }
      };
      const sessions: Promise<void>[] = [];
      for (const [login, looks] of byPerson()) {
        await before();
        sessions.push(schedule.beside(() => session(login, looks), urgency));
      }
      await Promise.all(sessions);
      return givenBack;
    },
    kept: () => [...kept.keys()],
    get full() {
      return folders >= MOST_FOLDERS;
    },
    get waiting() {
      return kept.size;
    },
  };
}
