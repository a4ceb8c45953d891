/** The steps of `mandat uninstall`, each of which may be made again, and what is said of it. */
import { policyOf } from '../bridge/configured/site-policy.ts';
import type { Looked } from '../bridge/removal/look.ts';
import { noteRemoval, removal } from '../bridge/removal/progress.ts';
import type { Asking } from '../bridge/removal/smtp-asks.ts';
import { withdrawn } from '../bridge/safeguards/withdrawn.ts';
import { countPairs } from '../bridge/store/state/ledger-pairs.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { counted, oneLine } from './output.ts';
import { openProgress } from './progress.ts';
import { sentence } from './runner.ts';
import type { Session } from './session.ts';
import { concluded } from './sync.ts';
import { shownTime } from './times.ts';
import { withdrawEverything } from './withdraw.ts';

/** By the passes that `mandat withdraw --all` makes; none where an earlier call has seen the end of it. */
export async function takeGrantsOff(session: Session, quiet: boolean) {
  const { out, config } = session;
  const time = (at: string) => shownTime(at, config.policy.timezone);
  const before = await session.state(async (state) => ({
    off: await withdrawn(state),
    removal: await removal(state),
    pairs: await countPairs(state),
  }));
  if (before.off !== undefined && before.removal?.lookedAt !== undefined && before.pairs === 0) {
    const { since } = before.off;
    return {
      status: EXIT.done,
      text: `every delegation has been off since ${time(since)}`,
      document: { left: 0, since },
    };
  }
  const { since, told, left } = await withdrawEverything(session, quiet || before.off?.quiet === true);
  const status = concluded(out, told);
  const text =
    left === 0
      ? `every delegation is taken off (${before.pairs}), and what stood before is back; verified with a login as each delegate`
      : `${left} of ${counted(before.pairs, 'delegation')} not taken off yet, or not verified`;
  return { status: status === EXIT.done && left > 0 ? EXIT.failed : status, text, document: { left, since, ...told } };
}

export async function lookedAfter(session: Session) {
  const { out, config, files } = session;
  const time = (at: string) => shownTime(at, config.policy.timezone);
  const before = await session.state((state) => removal(state));
  if (before?.lookedAt !== undefined) {
    const text = `nothing of mandat's was seen on the servers any more at ${time(before.lookedAt)}`;
    return { clean: true, status: EXIT.done, text, document: { lookedAt: before.lookedAt } };
  }
  const { mailServer } = await import('../bridge/configured/drivers.ts');
  const { lookForOurs } = await import('../bridge/removal/look.ts');
  const { openSenderMap } = await import('../bridge/store/published/sender-map.ts');
  const { mailboxIds } = await import('../bridge/store/table/rows.ts');
  const senders =
    config.senderRules === undefined ? undefined : openSenderMap(files.senderDirectory, { readonly: true });
  const progress = openProgress(out, 'looked at');
  const looked = await session
    .table(async (table) => {
      const site = { table, server: mailServer(config, process.env), senders, rights: policyOf(config).rights };
      const ids = await mailboxIds(table);
      return lookForOurs(site, ids, (done) => progress.at(done, ids.length));
    })
    .finally(() => {
      progress.end();
      senders?.close();
    });
  const clean = looked.left.length === 0 && looked.unseen.length === 0;
  const lookedAt = new Date().toISOString();
  if (clean && before !== undefined) await session.state((state) => noteRemoval(state, { ...before, lookedAt }));
  const status: ExitStatus = clean ? EXIT.done : looked.left.length > 0 ? EXIT.failed : EXIT.unreachable;
  return { clean, status, text: lookText(looked), document: looked };
}

function lookText({ mailboxes, delegates, left, others, unseen }: Looked): string {
  const as = `a look as each of ${counted(delegates, 'delegate')} at ${counted(mailboxes, 'mailbox', 'mailboxes')}`;
  const line = ({ mailbox, login, what }: Looked['left'][number]) => `   ${oneLine(`${mailbox}: ${login}: ${what}`)}`;
  return [
    left.length + unseen.length === 0 ? `${as}: nothing of mandat's is left` : `${as}:`,
    ...(left.length === 0 ? [] : ['   still there, and explained by nobody else:', ...left.map(line)]),
    ...(unseen.length === 0 ? [] : ['   could not be looked at:', ...unseen.map(line)]),
    ...(others.length === 0 ? [] : ['   what stood before, or others made, stays:', ...others.map(line)]),
  ].join('\n');
}

/** Only once nobody asks it: as long as Postfix does, an owner without a rule is locked out of their own address. */
export async function emptied(
  session: Session,
  { smtpDone }: { readonly smtpDone?: boolean },
  asking: Asking,
  clean: boolean,
) {
  const { config, files } = session;
  const { emptySenderMap, publishedRules } = await import('../bridge/removal/emptying.ts');
  const rules = publishedRules(config, files);
  const before = await session.state((state) => removal(state));
  const told = { rules: rules ?? 0, asking };
  const kept = (why: string) => ({
    done: false,
    text: why,
    document: { ...told, state: 'kept' },
    warnings: [] as string[],
  });
  if (rules === undefined)
    return { done: true, text: 'no sender map is published', document: { ...told, state: 'none' }, warnings: [] };
  if (rules === 0)
    return {
      done: asking.kind !== 'asks',
      text: 'the sender map is empty',
      document: { ...told, state: 'empty' },
      warnings: [],
    };
  const owners = `the sender map keeps the owners' own ${counted(rules, 'rule')}, so that nobody is locked out`;
  if (!clean) return kept(`${owners}: what is above comes first`);
  const proven = asking.kind === 'does not ask' && before?.asking.includes(asking.directory) === true;
  if (!proven && !(smtpDone === true && asking.kind !== 'asks' && asking.kind !== 'not reread'))
    return kept(
      `${owners}: ${askingText(asking)}${proven || asking.kind === 'asks' || asking.kind === 'not reread' ? '' : '; --smtp-done says that it has been told'}`,
    );
  try {
    await session.state((state) => emptySenderMap(config, files, state));
  } catch (error) {
    const { failureOf } = await import('../bridge/shared/failure.ts');
    return { ...kept('the sender map is not empty yet'), warnings: [sentence(failureOf(error))] };
  }
  const text = `the sender map is empty (${counted(rules, 'rule')} gone): nobody asks it any more`;
  return { done: true, text, document: { ...told, rules: 0, state: 'emptied' }, warnings: [] };
}

export function askingText(asking: Asking): string {
  switch (asking.kind) {
    case 'asks':
      return `Postfix asks it still (${asking.directory}: ${asking.services.join(', ')}): take that out, then "postfix check && postfix reload"`;
    case 'not reread':
      return `${counted(asking.processes, 'process', 'processes')} of Postfix (${asking.directory}) began before its configuration was changed: "postfix reload"`;
    case 'does not ask':
      return `Postfix (${asking.directory}) doesn't ask it, and was never seen to: is it the one that did?`;
    case 'unseen':
      return `whether the mail server asks it could not be seen (${asking.why})`;
  }
}
