/** What is wrong with the cut of a session in which a shared folder was open; tried with --probe-as (probe-sharing.ts). */

import { dovecot24 } from './dovecot-2.4.ts';
import { fragmentOf, type Syntax } from './dovecot-syntax.ts';
import { type Finding, fail, warn } from './finding.ts';
import type { CutSeen } from './probe-sharing.ts';
import { allow } from './sessions.ts';

interface Ways {
  readonly list: string;
  readonly goesOn: string;
  readonly listed: string;
  readonly unlisted: string;
  readonly unseen: string;
}

const doveadm = (syntax: Syntax | undefined): Ways => ({
  list: '"who"',
  goesOn:
    syntax?.version === '2.3'
      ? "Dovecot's log, for doveadm and that imap process"
      : `service imap { unix_listener "srv.imap/%{pid}" { mode = 0 } }, as ${fragmentOf(dovecot24, 'sessions.conf')} explains`,
  listed: "Dovecot's log, for its anvil process",
  unlisted: 'does the server know them under another login? auth_username_format, and what the userdb answers as user',
  unseen: allow(syntax),
});

const COMMANDS: Ways = {
  list: 'list_command',
  goesOn: 'run [sessions] end_command by hand, and look whether it ends the processes of that login',
  listed: 'run [sessions] list_command by hand: it must name open sessions only',
  unlisted: 'run [sessions] list_command by hand: does the server know them under another login?',
  unseen: '[sessions] list_command',
};

const waysOf = (kind: string | undefined, syntax?: Syntax) => (kind === 'command' ? COMMANDS : doveadm(syntax));

/** What names open sessions, by the kind of `[sessions]`. */
export const listOf = (kind: string | undefined) => waysOf(kind).list;

export function badCut(
  kind: string | undefined,
  cut: CutSeen | undefined,
  delegate: string,
  syntax: Syntax | undefined,
): Finding | undefined {
  const ways = waysOf(kind, syntax);
  switch (cut) {
    case 'goes-on':
      return fail(
        `the session of ${delegate} goes on after it was cut, with a shared folder open in it: who has lost a mailbox would go on reading it`,
        ways.goesOn,
      );
    case 'listed':
      return fail(
        `the session of ${delegate} was cut and has ended, and ${ways.list} shows it still: no revoke can be verified`,
        ways.listed,
      );
    case 'unlisted':
      return fail(
        `the session of ${delegate} was not in ${ways.list} while it was open: no cut can be proven`,
        ways.unlisted,
      );
    case 'unseen':
      return warn(`the session of ${delegate} was cut and has ended; at a revoke nobody could see that`, ways.unseen);
    default:
      return undefined;
  }
}
