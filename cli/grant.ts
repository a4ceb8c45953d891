import type { Command } from 'commander';
import { describeNotInForce, verdict } from '../acl/policy.ts';
import { Failure } from '../bridge/failure.ts';
import type { DelegationDb } from '../bridge/store/delegation-db.ts';
import { grant, listDelegations } from '../bridge/store/delegations.ts';
import { address, instant, login, seconds } from './arguments.ts';
import { DEFAULT_WAIT_S, followChange } from './change.ts';
import type { Runner } from './runner.ts';

interface Options {
  readonly starts?: string;
  readonly ends?: string;
  readonly note?: string;
  readonly wait: number | false;
}

export function grantCommand(program: Command, run: Runner): void {
  program
    .command('grant')
    .description('delegate a mailbox: read, file, delete and send on behalf of its owner')
    .argument('<mailbox>', 'the address of the mailbox', address)
    .argument('<delegate>', "the delegate's identifier", login)
    .option('--starts <time>', 'not before: a date (from its start) or a time with its zone')
    .option('--ends <time>', 'until: a date (to its end) or a time with its zone; no end by default')
    .option('--note <text>', 'a remark, kept with the delegation')
    .option('--wait <seconds>', 'how long to wait until it is verified', seconds, DEFAULT_WAIT_S)
    .option('--no-wait', 'do not wait')
    .action(
      run(async (session, mailbox: string, delegate: string, options: Options) => {
        const { timezone } = session.config.policy;
        const startsAt =
          options.starts === undefined ? undefined : instant(options.starts, 'start', timezone, '--starts');
        const endsAt = options.ends === undefined ? undefined : instant(options.ends, 'end', timezone, '--ends');
        if (endsAt !== undefined && endsAt <= new Date().toISOString()) {
          throw new Failure('config', `--ends ${options.ends}: this is past, the delegation would never be in force`);
        }
        const began = performance.now();
        const { written, withheld } = await session.writing(async (db) => ({
          written: await grant(db, session.writer, mailbox, delegate, { startsAt, endsAt, note: options.note }),
          withheld: await whyWithheld(db, mailbox, delegate),
        }));
        return followChange(session, { verb: 'grant', mailbox, delegate, written, began, withheld }, options.wait);
      }),
    );
}

async function whyWithheld(db: DelegationDb, mailbox: string, delegate: string): Promise<string | undefined> {
  const [row] = await listDelegations(db, { mailbox, delegate });
  if (row === undefined) return undefined; // revoked in the same moment
  const judged = verdict(row, new Date().toISOString());
  return judged.inForce ? undefined : describeNotInForce(judged.why);
}
