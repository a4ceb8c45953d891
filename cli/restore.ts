import type { Command } from 'commander';
import { acceptRestored } from '../bridge/safeguards/table-from-the-past.ts';
import { mailboxIds, markPending } from '../bridge/store/table/rows.ts';
import { confirmed } from './confirm.ts';
import { EXIT } from './exit.ts';
import type { Runner } from './runner.ts';

export function restoreCommand(program: Command, run: Runner): void {
  program
    .command('restore')
    .description('after an older delegation table was put back')
    .command('accept')
    .description('obey it in full from now on, where it gives too')
    .option('--yes', 'do not ask')
    .action(
      run(async (session, { yes }: { yes?: boolean }) => {
        const { out, writer } = session;
        const question =
          'Obey the restored table in full? Delegations that were revoked after that copy was made come back.';
        if (!(await confirmed(session, question, yes))) return EXIT.failed;
        const was = await session.state(acceptRestored);
        if (was) await session.table(async (db) => markPending(db, await mailboxIds(db), writer.actor));
        out.result(
          { accepted: was },
          was ? 'accepted: the table is obeyed in full' : 'nothing to accept: the table is obeyed in full already',
        );
        return undefined;
      }),
    );
}
