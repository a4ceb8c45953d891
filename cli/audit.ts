import { type Command, InvalidArgumentError, Option } from 'commander';
import { detailOf } from '../acl/access-history.ts';
import { trailOf } from '../bridge/acting/history.ts';
import { headFileOf, readHead } from '../bridge/store/trail/seal-head.ts';
import { existingSealKey } from '../bridge/store/trail/sealing.ts';
import { type AuditProof, describeBroken, proveAudit } from '../bridge/store/trail/trail-proof.ts';
import type { AuditFilter, AuditRecord } from '../bridge/store/trail/trail-reading.ts';
import { address, instant, whole } from './arguments.ts';
import { type ExportOptions, exportTrail } from './audit-export.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { counted, table } from './output.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { shownTime } from './times.ts';

interface Options {
  readonly mailbox?: string;
  readonly delegate?: string;
  readonly since?: string;
  readonly limit: number;
  readonly check?: boolean;
}

export function auditCommand(program: Command, run: Runner): void {
  const audit = program.command('audit').description('the audit trail: who did what, when, and what came of it');

  audit
    .command('list', { isDefault: true })
    .description('the last entries of the trail, in their order; the same as "mandat audit"')
    .option('--mailbox <address>', 'of one mailbox', address)
    .option('--delegate <id>', 'of one delegate, by their identifier')
    .option('--since <time>', 'a date (from its start) or a time with its zone')
    .option('--limit <number>', 'how many of the last entries', whole, 100)
    .option('--check', 'the same as "mandat audit verify"')
    .action(
      run(async (session, options: Options) => {
        if (options.check === true) return verify(session, undefined);
        const { timezone } = session.config.policy;
        const since = options.since === undefined ? undefined : instant(options.since, 'start', timezone, '--since');
        const delegate =
          options.delegate === undefined ? undefined : await session.delegate(options.delegate, 'may be gone');
        await print(session, { ...options, delegate, since });
        return undefined;
      }),
    );

  audit
    .command('verify')
    .description('prove the chain of seals, its checkpoints and its end; exits 1 and names the first broken record')
    .option(
      '--head <id:seal>',
      "check that the trail still holds this entry, which the sidecar's log once named as its end",
      head,
    )
    .action(run(async (session, { head }: { head?: { id: number; seal: string } }) => verify(session, head)));

  audit
    .command('export')
    .description(
      'write the sealed trail to standard output, each record with its seal; that it was exported is recorded',
    )
    .addOption(new Option('--format <format>').choices(['jsonl', 'csv']).default('jsonl'))
    .option('--since <time>', 'a date (from its start) or a time with its zone')
    .option('--until <time>', 'a date (to its end) or a time with its zone')
    .action(
      run(async (session, options: ExportOptions) => {
        await exportTrail(session, options);
        return undefined;
      }),
    );

  program
    .command('history')
    .description('the audit trail of one mailbox')
    .argument('<mailbox>', 'the address of the mailbox', address)
    .action(
      run(
        async (session, mailbox: string) => {
          await print(session, { mailbox, limit: 1000 });
          return undefined;
        },
        ['owner'],
      ),
    );
}

async function verify(session: Session, known: { id: number; seal: string } | undefined): Promise<ExitStatus> {
  const { out, files } = session;
  const key = existingSealKey(files.sealKey);
  const kept = readHead(headFileOf(files.sealKey), key); // before: it only grows
  const proof = await session.state((state) => proveAudit(state, key, known, kept));
  const document = proof.intact
    ? { ...proof, broken: null, head: proof.head ?? null, known: proof.known ?? null }
    : { intact: false, broken: proof.at, why: proof.why };
  out.result(document, toldOf(proof, headFileOf(files.sealKey)));
  return proof.intact ? EXIT.done : EXIT.failed;
}

function toldOf(proof: AuditProof, headFile: string): string {
  if (!proof.intact) return describeBroken(proof, headFile);
  const pruned = proof.pruned === 0 ? '' : `, after ${proof.pruned} that were pruned`;
  const { head } = proof;
  const end = head === undefined ? '' : `\nits end is ${head.id}:${head.seal}`;
  const gone =
    proof.known === 'pruned' ? '\nwhat --head names has been pruned since: it can no longer be compared' : '';
  return `the trail is intact: ${counted(proof.entries, 'entry', 'entries')}${pruned}${end}${gone}`;
}

async function print(session: Session, filter: AuditFilter): Promise<void> {
  const { out, config } = session;
  const records = await trailOf(session, filter);
  const rows = records.map((one) => [
    shownTime(one.at, config.policy.timezone),
    who(one),
    one.action,
    one.mailbox,
    one.delegate,
    said(one),
  ]);
  out.result(
    records,
    rows.length === 0 ? 'no entries' : table(['TIME', 'WHO', 'WHAT', 'MAILBOX', 'DELEGATE', 'DETAIL'], rows),
  );
}

function who({ actor, on_behalf, via, claimed }: AuditRecord): string {
  const keyboard = via === null ? '' : ` (at the keyboard: ${via})`;
  const word = claimed == null ? '' : ' (claimed)';
  return `${actor}${word}${on_behalf === null ? '' : ` for ${on_behalf}`}${keyboard}`;
}

function said({ detail, reason, sealed }: AuditRecord): string {
  const facts = Object.entries(detailOf(detail))
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${value}`);
  return [...(reason === null ? [] : [reason]), ...facts, ...(sealed ? [] : ['(not sealed yet)'])].join(' ');
}

function head(typed: string): { id: number; seal: string } {
  const [, id = '', seal = ''] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(typed) ?? [];
  if (id === '') throw new InvalidArgumentError('As the log has it: a number, a colon, 64 hexadecimal digits.');
  return { id: Number(id), seal };
}
