import { type Command, InvalidArgumentError } from 'commander';
import { existingSealKey, verifyAudit } from '../bridge/store/audit.ts';
import { type AuditRecord, readAudit } from '../bridge/store/audit-trail.ts';
import { address, instant } from './arguments.ts';
import { EXIT } from './exit.ts';
import { table } from './output.ts';
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
  program
    .command('audit')
    .description('who granted, revoked or changed what, when, and what came of it; the last entries first in time')
    .option('--mailbox <address>', 'of one mailbox', address)
    .option('--delegate <id>', 'of one delegate, by his identifier or his login')
    .option('--since <time>', 'a date (from its start) or a time with its zone')
    .option('--limit <number>', 'how many of the last entries', whole, 100)
    .option('--check', 'recompute the seals: exits 1 when an entry was altered or taken out')
    .action(
      run(async (session, options: Options) => {
        const { out, config, files } = session;
        if (options.check === true) {
          const broken = await session.state((state) => verifyAudit(state, existingSealKey(files.sealKey)));
          out.result(
            { intact: broken === undefined, broken: broken ?? null },
            broken === undefined
              ? 'the trail is intact'
              : `the trail is broken at entry ${broken}: it, or one before it, was altered or taken out`,
          );
          return broken === undefined ? EXIT.done : EXIT.failed;
        }
        const since =
          options.since === undefined ? undefined : instant(options.since, 'start', config.policy.timezone, '--since');
        const delegate = options.delegate === undefined ? undefined : session.identity.find(options.delegate);
        await print(session, { ...options, delegate, since });
        return undefined;
      }),
    );

  program
    .command('history')
    .description('the audit trail of one mailbox')
    .argument('<mailbox>', 'the address of the mailbox', address)
    .action(
      run(async (session, mailbox: string) => {
        await print(session, { mailbox, limit: 1000 });
        return undefined;
      }),
    );
}

async function print(session: Session, filter: Parameters<typeof readAudit>[2]): Promise<void> {
  const { out, config } = session;
  const submissions = session.submissions((store) => store.events().map(({ id: _, ...entry }) => entry)) ?? [];
  const records = await session.table((db) => session.state((state) => readAudit(state, db, filter, submissions)));
  const rows = records.map((one) => [
    shownTime(one.at, config.policy.timezone),
    one.actor,
    one.action,
    one.mailbox,
    one.delegate,
    detailOf(one),
  ]);
  out.result(
    records,
    rows.length === 0 ? 'no entries' : table(['TIME', 'WHO', 'WHAT', 'MAILBOX', 'DELEGATE', 'DETAIL'], rows),
  );
}

function detailOf({ detail, reason, sealed }: AuditRecord): string {
  const facts = Object.entries((JSON.parse(detail ?? '{}') ?? {}) as Record<string, unknown>)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${value}`);
  return [...(reason === null ? [] : [reason]), ...facts, ...(sealed ? [] : ['(not sealed yet)'])].join(' ');
}

function whole(typed: string): number {
  const value = Number(typed);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('A whole number, from 1.');
  return value;
}
