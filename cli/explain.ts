import type { Command } from 'commander';
import type { Condition } from '../acl/policy.ts';
import { mayDelegate } from '../bridge/acting/permitted.ts';
import { policyOf } from '../bridge/configured/site-policy.ts';
import { type Explanation, explain } from '../bridge/questions/explain.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { noSuchDelegation } from '../bridge/store/table/delegations.ts';
import { address } from './arguments.ts';
import { otherEntryLine } from './other-entries.ts';
import { type Colour, type Output, oneLine, table } from './output.ts';
import { sidecarSeen } from './own-pass.ts';
import { OWNERS_LIST } from './owners-list.ts';
import { pauseOf, warnOfPause } from './paused.ts';
import { openWaiting } from './progress.ts';
import type { Runner } from './runner.ts';
import { slowAnswerLine } from './slow-answer.ts';
import { shownTime } from './times.ts';

export function explainCommand(program: Command, run: Runner): void {
  program
    .command('explain')
    .description('why a delegation is in force or not, and what stands on the server and whose it is')
    .argument('<mailbox>', 'the address of the mailbox', address)
    .argument('[delegate]', "a delegate's identifier or login; all of them when it is left out")
    .action(
      run(
        async (session, mailbox: string, typed: string | undefined) => {
          const { out, config } = session;
          warnOfPause(session, await pauseOf(session));
          await session.table((db) => mayDelegate(session, db, [mailbox]));
          const delegate = typed === undefined ? undefined : await session.delegate(typed);
          const { mailServer } = await import('../bridge/configured/drivers.ts'); // the IMAP library takes its time to load
          const waiting = openWaiting(out, 'looking at the folders');
          const looking = session.table((db) =>
            session.state((state) =>
              explain(
                {
                  table: db,
                  state,
                  server: mailServer(config, process.env),
                  policy: policyOf(config),
                  now: new Date().toISOString(),
                },
                mailbox,
                delegate,
              ),
            ),
          );
          const { delegations: found, others, subscriptionsKeptBy, ...tree } = await looking.finally(waiting.end);
          if (found.length === 0 && delegate !== undefined) throw noSuchDelegation(mailbox, delegate);
          const text =
            found.length === 0
              ? `${mailbox} is delegated to nobody`
              : found.map((one) => described(one, out, config.policy.timezone, delegate !== undefined)).join('\n\n');
          const lines = others.map((one) => otherEntryLine(one, config.policy.timezone));
          if (subscriptionsKeptBy === 'owner') lines.push(OWNERS_LIST);
          // Where nobody is delegated to, others may still have access: an element of its own, without a delegate.
          const alone = found.length === 0 && others.length > 0 ? [{ mailbox, others }] : [];
          out.result(
            [...found.map((one) => ({ ...one, others, subscriptionsKeptBy })), ...alone],
            [text, ...lines].join('\n'),
          );
          if (sidecarSeen(session) === false) out.warn(`mandat: ${NO_SIDECAR}`);
          const [trouble] = [
            ...found.flatMap((one) => one.trouble ?? []),
            ...(tree.trouble === null ? [] : [tree.trouble]),
          ];
          if (trouble !== undefined) throw new Failure(trouble.code, trouble.message, trouble.hint);
          return undefined;
        },
        ['owner'],
      ),
    );
}

const NO_SIDECAR =
  'no sidecar is running: what the table says takes effect when one does ("mandat run", or "mandat sync" once)';

/** `fully`: the conditions that hold as well. */
function described(one: Explanation, { colour }: Output, timezone: string, fully: boolean): string {
  const who = one.identifier === null || one.identifier === one.login ? one.login : `${one.identifier} (${one.login})`;
  const verdict = one.inForce ? colour.good('in force') : colour.bad('not in force');
  const ledger = one.phase === null ? "nothing on the server is mandat's" : `on the server: ${PHASES[one.phase]}`;
  const lines = [`${one.mailbox} to ${who}: ${verdict}: ${one.why}`, ledger];
  if (one.held !== null) lines.push(`held: ${oneLine(one.held)}`);
  lines.push(...one.driftLeft.map(oneLine));
  if (one.slow !== null) lines.push(slowAnswerLine(one.slow, timezone));
  if (one.failure !== null) {
    const { code, message, hint, attempts, retryAt } = one.failure;
    const again = `attempt ${attempts}${retryAt === null ? '' : `, again at ${shownTime(retryAt, timezone)}`}`;
    const told = [message, hint, again].filter((line) => line !== '').map(oneLine);
    lines.push(`the last pass failed: ${colour.bad(code)}: ${told.join('\n    ')}`);
  }
  const conditions = one.conditions.filter(({ holds }) => fully || !holds);
  lines.push(...conditions.map((condition) => conditionLine(condition, colour, timezone)));
  lines.push(...one.outOfReach.map(oneLine));
  const head = lines.join('\n');
  if (one.folders.length === 0) return head;
  const rows = one.folders.map(({ folder, should, sees, entry, whose, before, against }) => [
    folder,
    should,
    sees === null ? '?' : sees === '' ? 'nothing' : sees,
    entry === null ? 'none' : entry || 'empty',
    whose,
    before,
    against.join(' '),
  ]);
  return `${head}\n${table(['FOLDER', 'SHOULD', 'SEES', 'OWN ENTRY', 'WHOSE', 'BEFORE', 'AGAINST THEM'], rows)}`;
}

function conditionLine({ holds, sentence, since, until, remedy }: Condition, colour: Colour, timezone: string): string {
  const times = [
    ...(since === null ? [] : [`since ${shownTime(since, timezone)}`]),
    ...(until === null ? [] : [`until ${shownTime(until, timezone)}`]),
  ];
  const when = times.length === 0 ? '' : ` (${times.join(', ')})`;
  const mark = holds ? colour.dim('ok') : colour.bad('NO');
  return `  ${mark}  ${sentence}${when}${remedy === '' ? '' : `\n      -> ${remedy}`}`;
}

const PHASES = {
  granting: 'being granted',
  'in-force': 'in force, not yet verified',
  verified: 'verified as the delegate sees it',
  revoking: 'being revoked',
} as const;
