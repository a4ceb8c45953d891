import type { Command } from 'commander';
import { allDelegations, delegationsOf, type SeenDelegation } from '../bridge/acting/delegation-states.ts';
import { address } from './arguments.ts';
import { printList } from './long-list.ts';
import type { Runner } from './runner.ts';
import { shownTime } from './times.ts';

interface Options {
  readonly mailbox?: string;
  readonly delegate?: string;
}

/** Columns as in the guide (R17), and what is behind them. */
const HEAD = ['MAILBOX', 'IDENTIFIER', 'FIRST NAME', 'LAST NAME', 'LOGIN', 'STATE', 'SINCE', 'UNTIL', 'WHY', 'NOTE'];

export function listCommand(program: Command, run: Runner): void {
  program
    .command('list')
    .description('list delegations')
    .option('--mailbox <address>', 'of one mailbox', address)
    .option('--delegate <id>', 'to one delegate, by identifier or login')
    .action(
      run(
        async (session, { mailbox, delegate: typed }: Options) => {
          const { out, config, actor } = session;
          const { timezone } = config.policy;
          const list = {
            head: HEAD,
            row: (row: SeenDelegation) => [
              row.mailbox.address,
              row.delegate.identifier,
              row.delegate.firstName,
              row.delegate.lastName,
              row.delegate.login,
              row.state,
              shownTime(row.startsAt ?? row.createdAt, timezone),
              shownTime(row.endsAt, timezone),
              row.why,
              row.note,
            ],
            document,
            none: 'no delegations',
          };
          if (actor.kind === 'admin' && mailbox === undefined && typed === undefined) {
            await session.table((db) => printList(out, list, () => allDelegations(session, db)));
            return undefined;
          }
          const rows = await delegationsOf(session, { mailbox, delegate: typed });
          await printList(out, list, async function* () {
            yield rows;
          });
          return undefined;
        },
        ['owner', 'delegate'],
      ),
    );
}

function document(row: SeenDelegation) {
  const { mailbox, delegate, state, why, createdAt, createdBy, startsAt, endsAt, note, sendMode } = row;
  return {
    mailbox: mailbox.address,
    identifier: delegate.identifier,
    firstName: delegate.firstName,
    lastName: delegate.lastName,
    login: delegate.login,
    state,
    why,
    createdAt,
    createdBy,
    startsAt,
    endsAt,
    note,
    sendMode,
  };
}
