/** Whom the trace knows: the mailboxes and delegations that its events are judged by. */

export interface TracedMailbox {
  readonly id: number;
  readonly address: string;
  readonly login: string;
  /** Their identifier or, where none is known, their login. */
  readonly owner: string;
}

/** All of it is answered at once, from memory. */
export interface TracedPeople {
  /** The mailbox of an account; undefined where it isn't one of the table's. */
  mailboxOf(login: string): TracedMailbox | undefined;
  /** The delegation by which this login had access to the mailbox at that time, in ms; also one that has ended since. */
  delegationOf(mailbox: TracedMailbox, login: string, at: number): number | undefined;
  /** Of a delegate or an owner. */
  identifierOf(login: string): string | null;
}
