/**
 * What has changed in the table, and how urgent each of it is. Looked at in portions, in the order of the changes; what the guard can't
 * hold is told at once, the rest when it is known how much disappears.
 */
import { Mutex } from 'async-mutex';
import type { GuardSettings } from '../../acl/guard.ts';
import { type Disappearing, type GuardReport, openDisappearing } from '../safeguards/disappearing-pairs.ts';
import { versionOf } from '../safeguards/table-from-the-past.ts';
import { type GiveWay, giveBack, PORTION_ROWS, portions } from '../shared/portions.ts';
import { LARGEST } from '../store/migrations/delegation-4.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { changedAfter, changedSince } from '../store/table/rows.ts';

export type OnChange = (mailboxId: number, urgency: 'revoke' | 'change') => void;

export interface Changes extends Pick<Disappearing, 'heldIn' | 'held'> {
  /** Looks at what has changed since the last time, and tells of each mailbox. */
  look(): Promise<void>;
  /** Looks at all there is, at what hasn't changed too. Tells nobody: whoever asks for it goes through all. */
  lookAtAll(giveWay?: GiveWay): Promise<GuardReport>;
  /** Before a mailbox is worked on. The version of the table up to which what it says may be obeyed; what has come since is looked at first. */
  lookAt(mailboxId: number): Promise<number>;
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

  const look = () =>
    oneAtATime.runExclusive(async () => {
      const version = await versionOf(table); // before: what comes meanwhile is looked at again
      if (version === lookedAt) return;
      const unasked: number[] = [];
      let last = { version: version < lookedAt ? 0 : lookedAt, mailboxId: LARGEST }; // less: it has been put right (mended-values.ts)
      for (;;) {
        const page = await changedAfter(table, last, PORTION_ROWS);
        for (const some of portions(page.map(({ mailboxId }) => mailboxId))) {
          await disappearing.look(some);
          for (const id of some) {
            const goes = disappearing.of(id);
            if (goes === 'unasked') unasked.push(id);
            else hear(id, goes === 'nothing' ? 'change' : 'revoke');
          }
          await giveBack();
        }
        last = page.at(-1) ?? last;
        if (page.length < PORTION_ROWS) break;
      }
      const letGo = await disappearing.judge();
      lookedAt = version;
      for (const some of portions([...unasked, ...letGo])) {
        for (const id of some) hear(id, disappearing.heldIn(id).size > 0 ? 'change' : 'revoke');
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
    lookAt: async (mailboxId) => {
      if (!(await changedSince(table, mailboxId, lookedAt))) return lookedAt;
      const version = await versionOf(table);
      await disappearing.look([mailboxId]);
      if (disappearing.of(mailboxId) !== 'unasked') return version;
      await look(); // it depends on the others
      return lookedAt;
    },
    lookAfter: async (mailboxId) => {
      if (disappearing.of(mailboxId) !== 'nothing') await disappearing.look([mailboxId]);
    },
    onChange: (listener) => {
      hear = listener;
    },
  };
}
