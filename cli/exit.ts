/** Exit statuses that scripts may rely on. They stand in docs/reference/codes.md and in --help. */
import type { FailureCode } from '../bridge/shared/failure.ts';

export const EXIT = {
  done: 0,
  failed: 1, // failed, or differs
  usage: 2, // usage or configuration
  refused: 3, // refused by a rule
  absent: 4, // no such mailbox, delegate or delegation
  unreachable: 5, // a server or the database can't be reached: try again
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

const OF_FAILURE: Readonly<Record<FailureCode, ExitStatus>> = {
  retry: EXIT.unreachable,
  refused: EXIT.refused,
  absent: EXIT.absent,
  config: EXIT.usage,
  unsafe: EXIT.failed,
  internal: EXIT.failed,
};

export function exitStatusOf(code: FailureCode): ExitStatus {
  return OF_FAILURE[code];
}

export const EXIT_HELP = `Exit status:
  0  done
  1  failed, or what is on the server differs
  2  wrong usage or configuration; nothing was written
  3  refused by a rule; nothing was written of what was refused
  4  no such mailbox, delegate or delegation
  5  a server or the database can't be reached: try again

Configuration: --config FILE, else $MANDAT_CONFIG, /etc/mandat/mandat.toml`;
