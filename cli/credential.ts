import type { Command } from 'commander';
import { Failure } from '../bridge/shared/failure.ts';
import { type CredentialDifference, setCredentials } from '../bridge/store/table/credentials.ts';
import { credentialEnd } from './arguments.ts';
import { readRows, type Values } from './csv.ts';
import { counted } from './output.ts';
import { changed, SAVE_ONLY } from './report-change.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { shownTime } from './times.ts';

interface Options {
  readonly validUntil?: string;
  readonly revoked?: boolean;
  readonly wait: boolean;
}

/** Credentials: what a delegation depends on and mandat only hears of. A lapse suspends, a new one resumes, to the second. R8, R14. */
export function credentialCommands(delegate: Command, run: Runner): void {
  delegate
    .command('credential')
    .description("set when a delegate's credential lapses; without a credential nothing delegated to them is in force")
    .argument('<id>', 'their identifier or login')
    .option('--valid-until <time>', 'a date (to its end) or a time with its zone; "never"; "unknown"')
    .option('--revoked', 'it is no longer valid, from now on')
    .option('--no-wait', SAVE_ONLY)
    .action(
      run(async (session, typed: string, { validUntil, revoked, wait }: Options) => {
        if ((validUntil === undefined) === (revoked === undefined)) {
          throw new Failure('config', 'give either --valid-until or --revoked');
        }
        const until = revoked === true ? new Date().toISOString() : untilOf(session, validUntil ?? '', '--valid-until');
        const identifier = await session.delegate(typed);
        const rows = [{ identifier, credentialValidUntil: until }];
        const differences = await session.writing(identifier, (db) => setCredentials(db, session.writer, rows, false));
        const document = { delegate: identifier, credentialValidUntil: until, changed: differences.length > 0 };
        return changed(
          session,
          document,
          differences.length === 0 ? `${identifier}: as it was` : differences.map(told(session)).join(),
          wait,
        );
      }),
    );

  delegate
    .command('sync')
    .description("take over the identity provider's credentials from a CSV file: all of them or none")
    .argument('<file>', 'its first line: identifier,valid_until')
    .option('--dry-run', 'print what would change, and change nothing')
    .option('--no-wait', SAVE_ONLY)
    .action(
      run(async (session, file: string, { dryRun, wait }: { dryRun?: boolean; wait: boolean }) => {
        const columns = { all: ['identifier', 'valid_until'], required: ['identifier', 'valid_until'] };
        const rows = readRows(file, columns, 'delegate', {
          row: (values: Values) => ({
            identifier: session.identity.find(values.identifier ?? ''),
            credentialValidUntil: untilOf(session, values.valid_until ?? '', 'valid_until'),
          }),
          key: ({ identifier }) => ({ value: identifier, what: 'delegate' }),
        });
        const writer = { ...session.writer, reason: 'delegate sync' };
        const differences = await session.writing(file, (db) => setCredentials(db, writer, rows, dryRun === true));
        const summary = `${counted(differences.length, 'credential')} of ${rows.length} ${dryRun === true ? 'would change' : 'changed'}`;
        const lines = [...differences.map(told(session)), summary].join('\n');
        const document = { delegates: rows.length, differences, dryRun: dryRun === true };
        if (dryRun !== true && differences.length > 0) return changed(session, document, lines, wait);
        session.out.result(document, lines);
        return undefined;
      }),
    );
}

const told =
  ({ config }: Session) =>
  ({ identifier, before, credentialValidUntil }: CredentialDifference) => {
    const shown = (until: string | null) => (until === null ? 'unknown' : shownTime(until, config.policy.timezone));
    return `${identifier}: credential until ${shown(credentialValidUntil)}, before: ${shown(before)}`;
  };

function untilOf({ config }: Session, typed: string, option: string): string | null {
  return credentialEnd(typed, config.policy.timezone, option);
}
