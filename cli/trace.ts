import { type Command, InvalidArgumentError, Option } from 'commander';
import { mayDelegate } from '../bridge/acting/permitted.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { noteEvent } from '../bridge/store/table/events.ts';
import { existingSealKey } from '../bridge/store/trail/sealing.ts';
import { ACTIONS, type Access } from '../bridge/trace/access.ts';
import { beganMonths } from '../bridge/trace/began-months.ts';
import { monthFiles, traceDirectory } from '../bridge/trace/trace-files.ts';
import { readTraceHead, traceHeadFile } from '../bridge/trace/trace-head.ts';
import { proveTrace, type TraceProof } from '../bridge/trace/trace-proof.ts';
import { lastTraced, type TraceFilter } from '../bridge/trace/trace-reading.ts';
import { address, instant } from './arguments.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { counted, table } from './output.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { shownTime } from './times.ts';
import { exportTrace, FORMATS, recordOf, type TraceFormat } from './trace-export.ts';

interface Options {
  readonly mailbox?: string;
  readonly delegate?: string;
  readonly since?: string;
  readonly until?: string;
  readonly action?: readonly string[];
  readonly limit?: number;
  readonly format: 'text' | TraceFormat;
}

const USUAL_LIMIT = 100;
/** So many are held in memory, and laid out as a table. */
const MOST = 1000;

export function traceCommand(program: Command, run: Runner): void {
  const trace = program
    .command('trace')
    .description('the trace of access: who did what in whose mailbox, when, from where, and what the server answered');

  trace
    .command('list', { isDefault: true })
    .description(
      'the last accesses, in the order in which they were written; that they were read is recorded; the same as "mandat trace"',
    )
    .option('--mailbox <address>', 'to this mailbox, by its address then', address)
    .option('--delegate <id>', 'by this person, by their identifier or login; an owner as well')
    .option('--since <time>', 'a date (from its start) or a time with its zone')
    .option('--until <time>', 'a date (to its end) or a time with its zone')
    .addOption(
      new Option('--action <action...>', 'any of these; "refused": whatever the server said no to').choices([
        ...ACTIONS,
        'refused',
      ]),
    )
    .option(
      '--limit <number>',
      `how many of the last ones (default: ${USUAL_LIMIT} as text, all in other formats)`,
      limit,
    )
    .addOption(
      new Option('--format <format>', 'jsonl, csv: one line an access; fhir-auditevent: one FHIR R4 AuditEvent a line')
        .choices(['text', ...FORMATS])
        .default('text'),
    )
    .action(
      run(
        async (session, options: Options) => {
          await show(session, options);
          return undefined;
        },
        ['owner'],
      ),
    );

  trace
    .command('verify')
    .description(
      'prove each access, that no file is missing, and the end; exits 1 and names what is wrong in each file',
    )
    .action(run(async (session) => verify(session)));
}

function limit(typed: string): number {
  const value = Number(typed);
  if (!/^\d+$/.test(typed) || value < 1 || value > MOST) {
    throw new InvalidArgumentError(
      `A whole number from 1 to ${MOST}. Other formats than text write all of them without it.`,
    );
  }
  return value;
}

/** What was asked for is recorded before any of it is shown: whoever stops reading half-way has read. */
async function show(session: Session, options: Options): Promise<void> {
  const { out, files, config, actor } = session;
  const { format, mailbox } = options;
  if (out.json && format !== 'text') {
    throw new Failure('config', `--json and --format ${format} exclude each other`, 'leave one of them out');
  }
  const filter = await filterOf(session, options);
  const { since, until, actions } = filter;
  const iso = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString());
  const note = (more: object) =>
    session.table((db) =>
      noteEvent(db, session.writer, {
        action: format === 'text' ? 'trace-read' : 'trace-export',
        mailbox: mailbox ?? null,
        delegate: filter.person ?? null,
        detail: { ...more, since: iso(since), until: iso(until), actions: actions?.join(',') ?? null },
      }),
    );
  const directory = traceDirectory(files);
  if (format !== 'text') {
    await note({ format, limit: options.limit ?? null });
    const system = config.identity.scheme === 'rpps' ? IDNPS : undefined;
    await exportTrace(directory, filter, { format, limit: options.limit, identifiers: system });
    return;
  }
  const found = lastTraced(directory, filter, options.limit ?? USUAL_LIMIT);
  await note({ entries: found.length });
  const { timezone } = config.policy;
  const off = config.trace.enabled || actor.kind !== 'admin' ? '' : ': [trace] enabled is false';
  const rows = found.map((one) => [
    shownTime(new Date(one.at).toISOString(), timezone),
    one.identifier === null || one.identifier === one.login ? one.login : `${one.login} (${one.identifier})`,
    one.via === null ? one.relation : `${one.relation} ${one.via}`,
    one.mailbox,
    one.folder,
    `${one.action} (${one.verb})`,
    what(one),
    [one.answer === '' ? 'no answer' : one.answer, one.said].filter(Boolean).join(' '),
    one.address,
  ]);
  out.result(
    found.map(recordOf),
    rows.length === 0
      ? `no accesses${off}`
      : table(['TIME', 'WHO', 'AS', 'MAILBOX', 'FOLDER', 'DID', 'WHAT', 'ANSWER', 'FROM'], rows),
  );
}

/** The system of the IdNat_PS. */
const IDNPS = 'urn:oid:1.2.250.1.71.4.2.1';

/** An owner sees what was done in their own mailboxes, while they were theirs; nobody else's is named to them, or known not to be there. */
async function filterOf(session: Session, options: Options): Promise<TraceFilter> {
  const { actor, config } = session;
  const { timezone } = config.policy;
  const { mailbox, action } = options;
  const since =
    options.since === undefined ? undefined : Date.parse(instant(options.since, 'start', timezone, '--since'));
  const until =
    options.until === undefined ? undefined : Date.parse(instant(options.until, 'end', timezone, '--until'));
  if (since !== undefined && until !== undefined && since > until) {
    throw new Failure('config', '--since is later than --until', 'exchange them');
  }
  if (mailbox !== undefined && actor.kind !== 'admin') {
    await session.table((db) => mayDelegate(session, db, [mailbox]));
  }
  const person = options.delegate === undefined ? undefined : await session.delegate(options.delegate, 'may be gone');
  return {
    mailbox,
    owners: actor.kind === 'owner' ? [actor.identifier] : undefined,
    person,
    since,
    until: until === undefined ? undefined : until + 1,
    actions: action,
  };
}

function what({ messages, target }: Access): string {
  const set =
    messages === null
      ? ''
      : `${messages.by === 'uid' ? 'UID' : 'number'} ${messages.set}${messages.more ? ' ...' : ''}`;
  if (target === null) return set;
  const { mailbox, folder } = target;
  const to =
    mailbox === 'own'
      ? 'a mailbox of their own'
      : mailbox === 'same'
        ? folder
        : [mailbox.address, folder].filter(Boolean).join(' ');
  return [set, `to ${to ?? 'another folder'}`].filter(Boolean).join(' ');
}

async function verify(session: Session): Promise<ExitStatus> {
  const { out, files } = session;
  const directory = traceDirectory(files);
  const key = existingSealKey(files.sealKey);
  // Before: there are only more of them later.
  const kept = readTraceHead(traceHeadFile(files), key);
  const began = await session.state(beganMonths);
  if (kept.kind === 'none' && began.length === 0 && monthFiles(directory).length === 0) {
    out.result(
      { intact: true, faults: [], accesses: 0, deleted: 0, files: [], head: null },
      'there is no trace: nothing was ever kept',
    );
    return EXIT.done;
  }
  const proof = await proveTrace(directory, key, kept, began);
  const { faults, accesses, deleted, head } = proof;
  const end = head === undefined ? null : { file: head.file, id: head.id, seal: head.seal.toString('hex') };
  out.result({ intact: faults.length === 0, faults, accesses, deleted, files: proof.files, head: end }, told(proof));
  return faults.length === 0 ? EXIT.done : EXIT.failed;
}

function told({ faults, accesses, deleted, files, head }: TraceProof): string {
  if (faults.length > 0) {
    return [
      'the trace of access is broken',
      ...faults.map(({ file, detail }) => `  ${file}: ${detail}`),
      'keep it as it is, look who could write there, and compare it with a backup',
    ].join('\n');
  }
  const before = deleted === 0 ? '' : `, after ${deleted} that were kept for long enough`;
  const end = head === undefined ? '' : `\nits end is ${head.file}:${head.id}:${head.seal.toString('hex')}`;
  return `the trace of access is intact: ${counted(accesses, 'access', 'accesses')} in ${counted(files.length, 'file')}${before}${end}`;
}
