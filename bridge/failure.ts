/**
 * What goes wrong, as a value with a code that says who must act, a sentence and a hint.
 * Scripts rely on the codes through the exit status; people on the hint.
 */

export type FailureCode =
  | 'retry' // a server or the database can't be reached now: trying again may help
  | 'refused' // a rule says no: other input is needed
  | 'absent' // no such mailbox, delegate or delegation
  | 'config' // the set-up of mandat or of a server is wrong: an administrator must act
  | 'unsafe' // going on might open mail to somebody who shouldn't read it
  | 'internal'; // a defect of ours

export class Failure extends Error {
  readonly code: FailureCode;
  /** What to do next, a sentence; empty where the message says it all. */
  readonly hint: string;
  /** The stable name of the rule behind a `refused`, as in `MANDAT_LIMIT`. */
  readonly rule: string | undefined;

  constructor(code: FailureCode, message: string, hint = '', options: { cause?: unknown; rule?: string } = {}) {
    super(message, { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.hint = hint;
    this.rule = options.rule;
  }
}

/** Any thrown value as a Failure; what nobody foresaw is `internal`. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new Failure('internal', message, 'this is a defect of mandat: please report it with the log', {
    cause: thrown,
  });
}
