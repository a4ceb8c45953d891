/**
 * What has changed in the table, and how urgent each of it is. Looked at in portions, in the order of the changes; what the guard can't
 * hold is told at once, the rest when it is known how much disappears, and what only gives at last. What somebody has revoked by name goes
 * before: however much has changed before it, it is told between two portions.
 */
import { Mutex } from 'async-mutex';
import type { GuardSettings } from '../../acl/guard.ts';
import { type Disappearing, type GuardReport, openDisappearing } from '../safeguards/disappearing-pairs.ts';
import { versionOf } from '../safeguards/table-from-the-past.ts';
import { type GiveWay, giveBack, PORTION_ROWS, portions } from '../shared/portions.ts';
import { LARGEST } from '../store/migrations/delegation-4.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { type Asked, askedAfter, changedAfter, changedSince } from '../store/table/rows.ts';

/** `news`: not one of a great many that have changed together. */
export type OnChange = (mailboxId: number, urgency: 'revoke' | 'change', news: boolean) => void;

/** More that only give are not news. */
const NEWS_AT_MOST = 100;

export interface Changes extends Pick<Disappearing, 'heldIn' | 'held'> {
  /** Looks at what has changed since the last time, and tells of each mailbox. `letBy`: called where a revoke by name has been told between two portions. */
  look(letBy?: () => Promise<unknown>): Promise<void>;
  /** Looks at all there is, at what hasn't changed too. Tells nobody: whoever asks for it goes through all. */
  lookAtAll(giveWay?: GiveWay): Promise<GuardReport>;
  /** The same of these alone; where anything goes from them that a hold may concern, at all that has changed. Tells nobody. */
  lookAtThese(mailboxIds: readonly number[]): Promise<GuardReport>;
  /** Before a mailbox is worked on. The version of the table up to which what it says may be obeyed; what has come since is looked at first. */
  lookAt(mailboxId: number): Promise<number>;
  /** Looks at this one anew, whatever has changed, and judges all that is known. Tells nobody. */
  judge(mailboxId: number): Promise<void>;
  /** After it: what has gone goes no more. */
  lookAfter(mailboxId: number): Promise<void>;
  /** Who hears of them, from now on. */
  onChange(hear: OnChange): void;
}

export function openChanges(table: DelegationDb, state: StateDb, settings: () => GuardSettings): Changes {
  const disappearing = openDisappearing(table, state, settings);
  const oneAtATime = new Mutex();
  let hear: OnChange = () => {};
  /** The version up to which everything has been looked at. */
  let lookedAt = 0;

  /** The last revoke by name that has been looked at. */
  let asked: Asked = { at: '', mailboxId: 0, delegateId: 0 };

  /** Returns those of which it has told. */
  const lookAtAsked = async (): Promise<readonly number[]> => {
    for (const told: number[] = []; ; ) {
      const page = await askedAfter(table, asked, PORTION_ROWS);
      const ids = [...new Set(page.map(({ mailboxId }) => mailboxId))];
      await disappearing.look(ids);
      for (const id of ids.filter((one) => disappearing.of(one) === 'asked-for')) {
        hear(id, 'revoke', true);
        told.push(id);
      }
      asked = page.at(-1) ?? asked;
      if (page.length < PORTION_ROWS) return told;
      await giveBack();
    }
  };

  const look = (letBy: () => Promise<unknown> = giveBack) =>
    oneAtATime.runExclusive(async () => {
      const version = await versionOf(table); // before: what comes meanwhile is looked at again
      table.saw?.(version);
      if (version === lookedAt) return;
      const unasked: number[] = [];
      const given: number[] = []; // told last: they would keep this look from the processor, and it may find revokes
      const told = new Set<number>();
      let last = { version: version < lookedAt ? 0 : lookedAt, mailboxId: LARGEST }; // less: it has been put right (mended-values.ts)
      for (;;) {
        const page = await changedAfter(table, last, PORTION_ROWS);
        for (const some of portions(page.map(({ mailboxId }) => mailboxId))) {
          const byName = await lookAtAsked();
          for (const id of byName) told.add(id);
          if (byName.length > 0) await letBy();
          await disappearing.look(some);
          for (const id of some.filter((one) => !told.has(one))) {
            const goes = disappearing.of(id);
            if (goes === 'asked-for') hear(id, 'revoke', true);
            else (goes === 'unasked' ? unasked : given).push(id);
          }
          await giveBack();
        }
        last = page.at(-1) ?? last;
        if (page.length < PORTION_ROWS || last.version > version) break; // others write without pause: the next look goes on
      }
      const letGo = await disappearing.judge();
      lookedAt = version;
      for (const some of portions([...unasked, ...letGo])) {
        for (const id of some) hear(id, disappearing.heldIn(id).size > 0 ? 'change' : 'revoke', false);
        await giveBack();
      }
      for (const some of portions(given)) {
        for (const id of some) hear(id, 'change', given.length <= NEWS_AT_MOST);
        await giveBack();
      }
    });

  return {
    look,
    heldIn: disappearing.heldIn,
    get held() {
      return disappearing.held;
    },
    lookAtAll: async (giveWay) => {
      await disappearing.lookAtAll(giveWay);
      await disappearing.judge();
      return disappearing.report();
    },
    lookAtThese: async (mailboxIds) => {
      for (const some of portions(mailboxIds)) {
        await disappearing.look(some);
        await giveBack();
      }
      if (mailboxIds.some((id) => disappearing.of(id) === 'unasked')) await look();
      return disappearing.report();
    },
    lookAt: async (mailboxId) => {
      if (!(await changedSince(table, mailboxId, lookedAt))) return lookedAt;
      const version = await versionOf(table);
      table.saw?.(version);
      await disappearing.look([mailboxId]);
      if (disappearing.of(mailboxId) !== 'unasked') return version;
      await look(); // it depends on the others
      return lookedAt;
    },
    judge: async (mailboxId) => {
      await disappearing.look([mailboxId]);
      await disappearing.judge();
    },
    lookAfter: async (mailboxId) => {
      if (disappearing.of(mailboxId) !== 'nothing') await disappearing.look([mailboxId]);
    },
    onChange: (listener) => {
      hear = listener;
    },
  };
}
