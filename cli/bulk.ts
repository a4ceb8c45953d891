/** grant --from and revoke --from: a file of delegations at once. */

import type { Command } from 'commander';
import { waitForAll } from '../bridge/questions/wait-for-change.ts';
import type { Pause } from '../bridge/safeguards/pause.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { type BulkReport, type BulkRow, changeMany } from '../bridge/store/table/bulk-changes.ts';
import type { Writer } from '../bridge/store/table/delegation-db.ts';
import { rowOf } from '../bridge/store/table/delegations.ts';
import { address } from './arguments.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { otherEntriesAt, otherEntryLine } from './other-entries.ts';
import { MADE_HERE, NO_SIDECAR, NOBODY_GOES_ON, passHere, passLines, sidecarSeen, unseen } from './own-pass.ts';
import { type Meanwhile, meanwhile, pauseOf } from './paused.ts';
import { openProgress } from './progress.ts';
import { documentOf } from './runner.ts';
import type { Session } from './session.ts';

export interface BulkOptions {
  readonly atomic?: boolean;
  readonly wait: number | false;
  readonly writer: Writer;
}

/** What `grant` and `revoke` have in common. */
export function delegationArguments(command: Command, columns: string): Command {
  return command
    .argument('[mailbox]', 'the address of the mailbox', address)
    .argument('[delegate]', "the delegate's identifier or login")
    .option('--from <file>', `many at once, from a CSV file with a header line: ${columns}`)
    .option('--atomic', 'with --from: all of them or none');
}

/** What a command is about: one pair, or a file of them. Fails as wrong usage for anything else. */
export function subject(
  verb: 'grant' | 'revoke',
  mailbox: string | undefined,
  delegate: string | undefined,
  options: Readonly<Partial<{ from: string; atomic: boolean; starts: string; ends: string; note: string }>>,
): { readonly mailbox: string; readonly delegate: string } | { readonly from: string } {
  const { from } = options;
  if (from !== undefined) {
    if (mailbox !== undefined)
      throw new Failure('config', '--from FILE and a mailbox exclude each other', 'give one of them');
    const [term] = (['starts', 'ends', 'note'] as const).filter((name) => options[name] !== undefined);
    if (term !== undefined)
      throw new Failure(
        'config',
        `--from FILE and --${term} exclude each other`,
        `it is a column of the file: ${term}`,
      );
    return { from };
  }
  if (options.atomic === true) throw new Failure('config', '--atomic is for --from FILE');
  if (mailbox !== undefined && delegate !== undefined) return { mailbox, delegate };
  const missing = mailbox === undefined ? 'mailbox' : 'delegate';
  throw new Failure(
    'config',
    `missing required argument '${missing}'`,
    `Usage: mandat ${verb} [options] <mailbox> <delegate>, or mandat ${verb} [options] --from <file> ("mandat ${verb} --help" says more)`,
  );
}

/** A file may name delegates by their logins. Fails `config` where it names one of them twice. */
export async function byIdentifier(session: Session, rows: readonly BulkRow[]): Promise<readonly BulkRow[]> {
  const identifier = await session.delegates(rows.map(({ delegate }) => delegate));
  const lines = new Map<string, number>();
  return rows.map((row) => {
    const delegate = identifier(row.delegate);
    const pair = `${row.mailbox} ${delegate}`;
    const before = lines.get(pair);
    if (before !== undefined) {
      const message = `line ${row.line}: the same pair stands in line ${before}: ${row.delegate} is ${delegate}`;
      throw new Failure('config', message, 'nothing was written: take one of the lines out');
    }
    lines.set(pair, row.line);
    return { ...row, delegate };
  });
}

export async function bulk(
  session: Session,
  verb: 'grant' | 'revoke',
  from: string,
  rows: readonly BulkRow[],
  options: BulkOptions,
): Promise<ExitStatus> {
  const { out } = session;
  const began = performance.now();
  const report = await session.writing(from, (db) =>
    changeMany(db, options.writer, verb, rows, options.atomic === true),
  );
  for (const { row, failure } of report.refused)
    out.warn(`mandat: line ${row.line}: ${failure.message} (${failure.rule ?? failure.code})`);
  const pause = report.written.length === 0 ? undefined : await pauseOf(session);
  const held = pause && (await heldUp(session, verb, report, pause, options.wait));
  const followed = pause === undefined ? await follow(session, report, began, options.wait) : undefined;
  const putBack = verb === 'revoke' ? await inTheTable(session, report.saved) : [];
  const verified = followed?.verified;
  const did = verb === 'grant' ? 'granted' : 'revoked';
  const saved = report.saved.length;
  const lines = [
    `${saved} of ${rows.length} ${did}${saved === 0 && options.atomic === true ? ': nothing was written (--atomic)' : ''}`,
  ];
  if (held !== undefined) lines.push(`  ${held.text}`);
  if (verified !== undefined) lines.push(`  verified at ${verified} of ${report.written.length} mailboxes`);
  out.result(
    {
      saved,
      refused: report.refused.map(({ row, failure }) => ({
        line: row.line,
        mailbox: row.mailbox,
        delegate: row.delegate,
        ...documentOf(failure),
      })),
      mailboxes: report.written.length,
      verified: verified ?? null,
      ...(pause === undefined ? {} : { paused: pause }),
      putBack: putBack.map(({ mailbox, delegate }) => ({ mailbox, delegate })),
      failures: (followed?.failed ?? []).map(({ address, failure }) => ({
        mailbox: address,
        ...failure,
        message: failure?.message,
      })),
    },
    lines.join('\n'),
  );
  const others = verb === 'revoke' && followed !== undefined ? await othersAt(session, report.saved) : [];
  for (const { mailbox, ...one } of others)
    out.warn(`mandat: ${mailbox}: ${otherEntryLine(one, session.config.policy.timezone)}`);
  for (const { mailbox, delegate } of putBack)
    out.warn(`mandat: ${mailbox} to ${delegate}: the row is in the table again: somebody has put it back`);
  if (putBack.length > 0) return EXIT.failed;
  if (report.refused.some(({ failure }) => failure.code === 'refused')) return EXIT.refused;
  if (report.refused.length > 0) return EXIT.absent;
  if (held !== undefined) return held.status;
  if (followed === undefined || verified === report.written.length) return EXIT.done;
  for (const { address, failure } of followed.failed) out.warn(`mandat: ${address}: ${failure?.message}`);
  out.warn(`mandat: not everything is verified yet; ${followed.next}`);
  return followed.failed.some(({ failure }) => failure?.code !== 'retry') ? EXIT.failed : EXIT.unreachable;
}

/** Rows that were taken out and stand there after all. */
async function inTheTable(session: Session, rows: readonly BulkRow[]): Promise<readonly BulkRow[]> {
  return session.table(async ({ query }) => {
    const there: BulkRow[] = [];
    for (const row of rows) if (await rowOf(query, row.mailbox, row.delegate)) there.push(row);
    return there;
  });
}

/** Who still has access to these mailboxes, by entries that aren't mandat's. */
async function othersAt(session: Session, rows: readonly BulkRow[]) {
  const found = [];
  for (const mailbox of new Set(rows.map((row) => row.mailbox)))
    for (const one of await otherEntriesAt(session, mailbox)) found.push({ mailbox, ...one });
  return found;
}

async function heldUp(
  session: Session,
  verb: 'grant' | 'revoke',
  { written }: BulkReport,
  pause: Pause,
  wait: number | false,
): Promise<Meanwhile> {
  const ids = written.map(({ mailboxId }) => mailboxId);
  return meanwhile(session, pause, verb === 'grant' ? 'gives' : 'takes', ids, wait);
}

interface Followed {
  readonly verified: number;
  readonly failed: readonly { readonly address: string; readonly failure: Told | undefined }[];
  /** Who goes on trying, or that nobody does. */
  readonly next: string;
}
type Told = Pick<Failure, 'code' | 'message' | 'hint'>;

const SIDECAR_GOES_ON = 'the sidecar goes on trying: "mandat status" shows how it fares';

/** Undefined where nobody waits. */
async function follow(
  session: Session,
  { written }: BulkReport,
  began: number,
  wait: number | false,
): Promise<Followed | undefined> {
  if (written.length === 0) return undefined;
  const { out } = session;
  const sidecar = sidecarSeen(session);
  if (sidecar === undefined || (wait === false && !sidecar)) {
    out.warn(`mandat: saved. ${sidecar === undefined ? unseen(session) : NO_SIDECAR}`);
    return undefined;
  }
  if (wait === false) return undefined;
  const progress = openProgress(out, 'verified');
  progress.at(0, written.length);
  try {
    const ids = written.map(({ mailboxId }) => mailboxId);
    const pass = sidecar ? ({ by: 'sidecar' } as const) : await passHere(session, ids, wait * 1000, progress.at);
    if (pass.by === 'nobody')
      return { verified: 0, failed: [{ address: 'all', failure: pass.failure }], next: NOBODY_GOES_ON };
    if (pass.by === 'us') {
      out.say(MADE_HERE);
      const { verified, failures } = passLines(pass.report);
      const failed = failures.map(({ mailbox, failure }) => ({ address: mailbox, failure }));
      return { verified, failed, next: NOBODY_GOES_ON };
    }
    const patience = { until: 'verified', limitMs: wait * 1000, began } as const;
    const { verified, failed } = await session.state((state) => waitForAll(state, written, patience, progress.at));
    return { verified: verified.length, failed, next: SIDECAR_GOES_ON };
  } finally {
    progress.end();
  }
}
