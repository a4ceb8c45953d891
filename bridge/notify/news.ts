/** What is to be told of a mailbox's delegations, before it is written for anybody. */
import type { Instant } from '../../acl/delegation-facts.ts';
import type { Outcome, Standing } from '../../acl/notice-events.ts';
import type { ToldRow } from '../store/state/last-notified.ts';

/** A delegation, as it was or as it is. */
export type Subject = Omit<ToldRow, 'standing' | 'why' | 'ending'>;

/** What is to be told of one delegation. */
export interface News {
  readonly subject: Subject;
  readonly tidings: Outcome['tidings'];
  /** Undefined: its row has gone. */
  readonly row: Row | undefined;
}

export interface Row extends Standing {
  readonly startsAt: Instant | null;
  readonly createdBy: string;
}

export type Rows = ReadonlyMap<number, { readonly subject: Subject; readonly row: Row }>;
