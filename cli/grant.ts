import { type Command, Option } from 'commander';
import { SEND_MODES, type SendMode } from '../acl/delegation-facts.ts';
import { lookBeforeGrant, refusePast, writeGrant } from '../bridge/acting/delegations.ts';
import { lookUpNewcomers } from '../bridge/acting/note-listed.ts';
import { mayDelegate } from '../bridge/acting/permitted.ts';
import { refuseImpersonal } from '../bridge/acting/personal-mailbox.ts';
import { instant } from './arguments.ts';
import { bulk, byIdentifier, delegationArguments, subject } from './bulk.ts';
import { EXIT } from './exit.ts';
import { followChange, waitOptions } from './follow-change.ts';
import { acknowledged } from './responsibility.ts';
import type { Runner } from './runner.ts';
import { SEND_MODE } from './send-mode.ts';

interface Options {
  readonly starts?: string;
  readonly ends?: string;
  readonly note?: string;
  readonly sendMode?: SendMode;
  readonly wait: number | false;
  readonly from?: string;
  readonly atomic?: boolean;
  readonly acknowledge?: boolean;
  readonly force?: string;
}

export function grantCommand(program: Command, run: Runner): void {
  const command = delegationArguments(program.command('grant'), 'mailbox,delegate,starts,ends,note,send-mode')
    .description('delegate a mailbox: read, file, delete and send on behalf of its owner')
    .option('--starts <time>', 'not before: a date (from its start) or a time with its zone')
    .option('--ends <time>', 'until: a date (to its end) or a time with its zone; no end by default')
    .option('--note <text>', 'a remark, kept with the delegation')
    .addOption(new Option('--send-mode <mode>', SEND_MODE).choices(SEND_MODES))
    .option('--acknowledge', "the owner's responsibility for this access has been read and acknowledged")
    .option('--force <reason>', 'although the directory does not list the delegate; the reason is kept');
  waitOptions(command).action(
    run(
      async (session, at: string | undefined, to: string | undefined, options: Options) => {
        const about = subject('grant', at, to, options);
        const force = options.force !== undefined;
        const { policy, server } = session.config;
        const { timezone } = policy;
        const { cluster } = server;
        if ('from' in about) {
          const { readDelegations } = await import('./csv.ts');
          const typed = readDelegations(about.from, timezone, session.identity.find, new Date().toISOString());
          const rows = await byIdentifier(session, typed);
          await session.table((db) =>
            mayDelegate(
              session,
              db,
              rows.map((row) => row.mailbox),
            ),
          );
          refuseImpersonal(
            session,
            rows.map((row) => row.mailbox),
          );
          await lookUpNewcomers(session, rows);
          const version = await acknowledged(session, options.acknowledge);
          if (version === null) return EXIT.failed;
          const writer = { ...session.writer, acknowledged: version, reason: options.force };
          return bulk(
            session,
            'grant',
            about.from,
            rows.map((row) => ({ ...row, sendMode: row.sendMode ?? options.sendMode, force, cluster })),
            { ...options, writer },
          );
        }
        const { mailbox } = about;
        const startsAt =
          options.starts === undefined ? undefined : instant(options.starts, 'start', timezone, '--starts');
        const endsAt = options.ends === undefined ? undefined : instant(options.ends, 'end', timezone, '--ends');
        refusePast(endsAt, options.ends);
        const delegate = await lookBeforeGrant(session, about);
        const version = await acknowledged(session, options.acknowledge);
        if (version === null) return EXIT.failed;
        const { note, sendMode, force: reason } = options;
        const began = performance.now();
        const terms = { startsAt, endsAt, note, sendMode, force: reason };
        const done = await writeGrant(session, { mailbox, delegate }, terms, version);
        return followChange(session, { ...done, began }, options.wait);
      },
      ['owner', 'delegate'],
    ),
  );
}
