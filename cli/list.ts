import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { verdict } from '../acl/policy.ts';
import { delegateNamed } from '../bridge/store/delegates.ts';
import { type Delegation, listDelegations } from '../bridge/store/delegations.ts';
import { mailboxAt } from '../bridge/store/mailboxes.ts';
import type { LedgerPhase } from '../bridge/store/state-db.ts';
import { address, login } from './arguments.ts';
import { table } from './output.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { shownTime } from './times.ts';

interface Options {
  readonly mailbox?: string;
  readonly delegate?: string;
}

/** Columns as in the guide (R17), and what is behind them. */
const HEAD = ['MAILBOX', 'IDENTIFIER', 'FIRST NAME', 'LAST NAME', 'LOGIN', 'STATE', 'SINCE', 'UNTIL'];

export function listCommand(program: Command, run: Runner): void {
  program
    .command('list')
    .description('list delegations')
    .option('--mailbox <address>', 'of one mailbox', address)
    .option('--delegate <id>', 'to one delegate', login)
    .action(
      run(async (session, { mailbox, delegate }: Options) => {
        const { out, config } = session;
        const found = await session.table(async (db) => {
          if (mailbox !== undefined) await mailboxAt(db, mailbox);
          if (delegate !== undefined) await delegateNamed(db, delegate);
          return listDelegations(db, { mailbox, delegate });
        });
        const phases = await ledgerPhases(session);
        const rows = found.map((one) => ({
          ...one,
          state: stateOf(one, phases.get(`${one.mailboxId}/${one.delegate.login}`)),
        }));
        const { timezone } = config.policy;
        const text = table(
          HEAD,
          rows.map((row) => [
            row.mailbox.address,
            row.delegate.identifier,
            row.delegate.firstName,
            row.delegate.lastName,
            row.delegate.login,
            row.state,
            shownTime(row.startsAt ?? row.createdAt, timezone),
            shownTime(row.endsAt, timezone),
          ]),
        );
        out.result(rows.map(document), rows.length === 0 ? 'no delegations' : text);
        return undefined;
      }),
    );
}

type State = 'in force' | 'being verified' | 'waiting' | 'not started' | 'ended' | 'suspended';

/** What the row says and what the server has seen of it. */
function stateOf(row: Delegation, phase: LedgerPhase | undefined): State {
  const judged = verdict(row, new Date().toISOString());
  if (!judged.inForce) {
    if (judged.why === 'not-started') return 'not started';
    return judged.why === 'ended' ? 'ended' : 'suspended';
  }
  if (phase === 'verified') return 'in force';
  return phase === 'in-force' ? 'being verified' : 'waiting';
}

/** By mailbox id and login. Empty for a user who may not read mandat's own state. */
async function ledgerPhases({ files, state }: Session): Promise<ReadonlyMap<string, LedgerPhase>> {
  if (!existsSync(files.state)) return new Map();
  const rows = await state((db) => db.query.selectFrom('ledger').select(['mailbox_id', 'login', 'phase']).execute());
  return new Map(rows.map((row) => [`${row.mailbox_id}/${row.login}`, row.phase]));
}

function document(row: Delegation & { readonly state: State }) {
  const { mailbox, delegate, state, createdAt, createdBy, startsAt, endsAt, note } = row;
  return {
    mailbox: mailbox.address,
    identifier: delegate.identifier,
    firstName: delegate.firstName,
    lastName: delegate.lastName,
    login: delegate.login,
    state,
    createdAt,
    createdBy,
    startsAt,
    endsAt,
    note,
  };
}
