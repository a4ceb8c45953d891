import type { Command } from 'commander';
import { holderOf } from '../bridge/acting/account-holder.ts';
import { listedPerson } from '../bridge/directory/search.ts';
import { waitForAll } from '../bridge/questions/wait-for-change.ts';
import { type OpenedMailbox, openOwnMailbox } from '../bridge/store/table/own-mailbox.ts';
import { address, login } from './arguments.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { waitOptions } from './follow-change.ts';
import { counted } from './output.ts';
import { sidecarSeen } from './own-pass.ts';
import { pauseOf } from './paused.ts';
import { openProgress } from './progress.ts';
import { changed } from './report-change.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';

interface Options {
  readonly login?: string;
  readonly wait: number | false;
}

/** R54, R55: whoever gets a mailbox of their own keeps what has been delegated to them. */
export function openMailboxCommand(own: (name: string) => Command, run: Runner): void {
  waitOptions(
    own('open-mailbox')
      .description(
        "give a delegate a mailbox of their own: their delegations stay, and their login becomes the mailbox's",
      )
      .argument('<address>', 'the mailbox; it is added where it is not there', address)
      .option('--login <login>', 'its login on the mail server, where it is not the address', login),
  ).action(
    run(async (session, typed: string, at: string, { login: by, wait }: Options) => {
      const holder = await holderOf(session, typed);
      const { identifier } = holder;
      const person =
        session.config.identity.scheme === 'rpps'
          ? listedPerson(session.files.privateDirectory, identifier)
          : undefined;
      const ownerListed = person === undefined ? null : person !== null;
      const began = performance.now();
      const opened = await session.writing(identifier, (db) =>
        openOwnMailbox(db, session.writer, holder, { address: at, login: by, ownerListed }),
      );
      return follow(session, { ...opened, identifier, mailbox: at }, began, wait);
    }),
  );
}

type Opened = OpenedMailbox & { readonly identifier: string; readonly mailbox: string };

async function follow(session: Session, opened: Opened, began: number, wait: number | false): Promise<ExitStatus> {
  const { out } = session;
  const { identifier, mailbox, login: now, loginBefore, written } = opened;
  const moved = now !== loginBefore;
  const did = `${mailbox} is the mailbox of ${identifier}; their delegations stay${moved ? `, and go from ${loginBefore} to ${now}` : ''}`;
  const again = moved ? `\n  they log out, and in again as ${now} (déconnectez-vous puis reconnectez-vous)` : '';
  const document = { delegate: identifier, mailbox, login: now, loginBefore, mailboxes: written.length };
  if ((await pauseOf(session)) !== undefined) {
    const saved = await changed(session, { ...document, verified: null, failures: [] }, did + again);
    return wait === false ? saved : EXIT.failed; // nobody brings it about before it is resumed
  }
  if (wait === false || sidecarSeen(session) !== true) {
    return changed(session, { ...document, verified: null, failures: [] }, did + again, wait !== false);
  }
  const progress = openProgress(out, 'verified');
  const patience = { until: 'verified', limitMs: wait * 1000, began } as const;
  const { verified, failed } = await session
    .state((state) => waitForAll(state, written, patience, progress.at))
    .finally(progress.end);
  const failures = failed.map(({ address: of, failure }) => ({ mailbox: of, ...failure }));
  const nothing = moved ? `: ${loginBefore} sees nothing of them any more` : '';
  const all = verified.length === written.length;
  out.result(
    { ...document, sidecar: true, verified: verified.length, failures },
    `${did}\n  verified at ${verified.length} of ${counted(written.length, 'mailbox', 'mailboxes')}${all ? nothing : ''}${again}`,
  );
  if (all) return EXIT.done;
  for (const { address: of, failure } of failed) out.warn(`mandat: ${of}: ${failure?.message}`);
  const keep = moved ? `; ${loginBefore} is to be given to nobody else until then` : '';
  out.warn(`mandat: not everything is verified yet, the sidecar goes on trying ("mandat status")${keep}`);
  return failed.some(({ failure }) => failure?.code !== 'retry') ? EXIT.failed : EXIT.unreachable;
}
