import type { Command } from 'commander';
import { Failure } from '../bridge/failure.ts';
import { grant } from '../bridge/store/delegations.ts';
import { address, instant, login, seconds } from './arguments.ts';
import { bulk, subject } from './bulk.ts';
import { DEFAULT_WAIT_S, followChange, whyWithheld } from './change.ts';
import { readDelegations } from './csv.ts';
import type { Runner } from './runner.ts';

interface Options {
  readonly starts?: string;
  readonly ends?: string;
  readonly note?: string;
  readonly wait: number | false;
  readonly from?: string;
  readonly atomic?: boolean;
}

export function grantCommand(program: Command, run: Runner): void {
  program
    .command('grant')
    .description('delegate a mailbox: read, file, delete and send on behalf of its owner')
    .argument('[mailbox]', 'the address of the mailbox', address)
    .argument('[delegate]', "the delegate's identifier", login)
    .option('--from <file>', 'many at once, from a CSV file with a header line: mailbox,delegate,starts,ends,note')
    .option('--atomic', 'with --from: all of them or none')
    .option('--starts <time>', 'not before: a date (from its start) or a time with its zone')
    .option('--ends <time>', 'until: a date (to its end) or a time with its zone; no end by default')
    .option('--note <text>', 'a remark, kept with the delegation')
    .option('--wait <seconds>', 'how long to wait until it is verified', seconds, DEFAULT_WAIT_S)
    .option('--no-wait', 'do not wait')
    .action(
      run(async (session, at: string | undefined, to: string | undefined, options: Options) => {
        const about = subject(at, to, options);
        const { timezone } = session.config.policy;
        if ('from' in about) {
          const rows = readDelegations(about.from, timezone, new Date().toISOString());
          return bulk(session, 'grant', about.from, rows, options);
        }
        const { mailbox, delegate } = about;
        const startsAt =
          options.starts === undefined ? undefined : instant(options.starts, 'start', timezone, '--starts');
        const endsAt = options.ends === undefined ? undefined : instant(options.ends, 'end', timezone, '--ends');
        if (endsAt !== undefined && endsAt <= new Date().toISOString()) {
          throw new Failure('config', `--ends ${options.ends}: this is past, the delegation would never be in force`);
        }
        const began = performance.now();
        const { written, withheld } = await session.writing(mailbox, async (db) => ({
          written: await grant(db, session.writer, mailbox, delegate, { startsAt, endsAt, note: options.note }),
          withheld: await whyWithheld(db, mailbox, delegate),
        }));
        return followChange(session, { verb: 'grant', mailbox, delegate, written, began, withheld }, options.wait);
      }),
    );
}
