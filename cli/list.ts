import type { Command } from 'commander';
import { type Actor, actorFault } from '../acl/actor.ts';
import type { Policy } from '../acl/desired.ts';
import { describeNotInForce, verdict } from '../acl/policy.ts';
import { policyNow } from '../bridge/acting/not-in-force.ts';
import { failureOf } from '../bridge/shared/failure.ts';
import { phaseKey, phasesAmong } from '../bridge/store/state/ledger-pairs.ts';
import { type Delegation, listDelegations } from '../bridge/store/table/delegation-list.ts';
import { mailboxAt } from '../bridge/store/table/mailboxes.ts';
import { address } from './arguments.ts';
import { table } from './output.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
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
          const { out, config } = session;
          const delegate = typed === undefined ? undefined : await session.delegate(typed);
          const found = await session.table(async (db) => {
            // Who there is, an admin may ask; others hear of what is theirs.
            if (mailbox !== undefined && session.actor.kind === 'admin') await mailboxAt(db, mailbox);
            const found = await listDelegations(db, { mailbox, delegate, ...theirs(session.actor) });
            return found.filter((row) => concerns(session.actor, row));
          });
          const known = await knownPhases(session, found);
          const policy = await policyNow(session);
          const rows = found.map((one) => ({ ...one, ...stateOf(one, policy, known) }));
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
              row.why,
              row.note,
            ]),
          );
          out.result(rows.map(document), rows.length === 0 ? 'no delegations' : text);
          return undefined;
        },
        ['owner', 'delegate'],
      ),
    );
}

/** What is asked of the table: no more than theirs, however many there are of others. */
function theirs(actor: Actor): { readonly owner?: string; readonly to?: string } {
  if (actor.kind === 'admin') return {};
  return actor.kind === 'delegate' ? { to: actor.identifier } : { owner: actor.identifier };
}

/** An owner sees who has their mailboxes, a delegate what has been delegated to them. */
function concerns(actor: Actor, { mailbox, delegate }: Delegation): boolean {
  if (actor.kind === 'delegate') return delegate.identifier === actor.identifier;
  return actorFault(actor, { kind: 'delegations', mailbox }) === undefined;
}

interface Seen {
  /** `granted`: the row says so; what the servers have of it, this user may not see. */
  readonly state: 'in force' | 'being verified' | 'waiting' | 'granted' | 'not started' | 'ended' | 'suspended';
  /** Why it isn't in force by what the row says, a sentence. */
  readonly why: string | null;
}

/** Undefined for a user who may not read mandat's own state. */
type Phases = Awaited<ReturnType<typeof phasesAmong>> | undefined;

/** What the row says and what the server has seen of it. */
function stateOf(row: Delegation, { rules }: Policy, known: Phases): Seen {
  const judged = verdict(row, rules, new Date().toISOString());
  if (!judged.inForce) {
    const why = describeNotInForce(judged.why);
    if (judged.why === 'not-started') return { state: 'not started', why };
    return { state: judged.why === 'ended' ? 'ended' : 'suspended', why };
  }
  const phase = known?.get(phaseKey(row.mailbox.server, row.mailboxId, row.delegate.login));
  if (known === undefined) return { state: 'granted', why: null };
  if (phase === 'verified') return { state: 'in force', why: null };
  return { state: phase === 'in-force' ? 'being verified' : 'waiting', why: null };
}

async function knownPhases({ out, state }: Session, rows: readonly Delegation[]): Promise<Phases> {
  const ids = rows.map(({ mailboxId }) => mailboxId);
  try {
    return await state((db) => phasesAmong(db, ids));
  } catch (error) {
    const { code, message } = failureOf(error);
    if (code !== 'config') throw error;
    out.warn(`mandat: the table as it stands, not what the servers have of it: ${message}`);
    return undefined;
  }
}

function document(row: Delegation & Seen) {
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
