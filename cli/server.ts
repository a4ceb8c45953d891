import type { Command } from 'commander';
import { forgetServer, forgettable } from '../bridge/removal/forget-server.ts';
import { serverName } from './arguments.ts';
import { confirmed } from './confirm.ts';
import { EXIT } from './exit.ts';
import { counted } from './output.ts';
import type { Runner } from './runner.ts';

export function serverCommand(program: Command, run: Runner): void {
  const server = program.command('server').description('the mail servers of the site');
  server
    .command('forget')
    .description('a mail server that is gone for good: forget what was kept of it; the audit trail stays')
    .argument('<name>', 'as [server] name had it there', serverName)
    .option('--yes', 'do not ask')
    .action(
      run(async (session, name: string, { yes }: { readonly yes?: boolean }) => {
        const { out, writer } = session;
        const { standing } = await session.table((table) => session.state((state) => forgettable(table, state, name)));
        const stays =
          standing === 0
            ? ''
            : ` ${counted(standing, 'delegation')} stood there: where that server still runs, nobody takes them off any more.`;
        if (!(await confirmed(session, `Forget the mail server ${name}?${stays}`, yes))) return EXIT.failed;
        const known = await session.table((table) =>
          session.state((state) => forgetServer(table, state, writer, name)),
        );
        out.result({ server: name, ...known }, `${name} is forgotten: nothing waits for it any more`);
        return EXIT.done;
      }),
    );
}
