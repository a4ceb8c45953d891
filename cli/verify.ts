import type { Command } from 'commander';
import { canonical } from '../acl/rights.ts';
import { openSenderMap } from '../bridge/sender/postfix-sqlite.ts';
import { mailboxAt } from '../bridge/store/mailboxes.ts';
import { mailboxIds } from '../bridge/store/rows.ts';
import { type Checked, verifyMailbox } from '../bridge/verify.ts';
import { address } from './arguments.ts';
import { EXIT } from './exit.ts';
import type { Runner } from './runner.ts';

export function verifyCommand(program: Command, run: Runner): void {
  program
    .command('verify')
    .description('compare what each delegate really sees and may do with what he should; exits 1 on any difference')
    .argument('[mailbox...]', 'addresses; all mailboxes when none is named')
    .action(
      run(async (session, named: string[]) => {
        const { out, config, files } = session;
        const { mailServer } = await import('../bridge/drivers.ts'); // the IMAP library takes its time to load
        const server = mailServer(config, process.env);
        const senders =
          config.senderRules === undefined ? undefined : openSenderMap(files.senderDirectory, { readonly: true });
        const checked: Checked[] = [];
        await session.table((table) =>
          session.state(async (state) => {
            const addresses = named.map(address);
            const ids =
              addresses.length === 0
                ? await mailboxIds(table)
                : await Promise.all(addresses.map(async (one) => (await mailboxAt(table, one)).id));
            const site = {
              table,
              state,
              server,
              senders,
              rights: canonical(config.policy.rights),
              now: new Date().toISOString(),
            };
            for (const id of ids) checked.push(await verifyMailbox(site, id));
          }),
        );
        senders?.close();
        const differences = checked.flatMap((one) => one.differences);
        const delegates = checked.reduce((sum, one) => sum + one.delegates, 0);
        const lines = differences.map(({ mailbox, login, what }) => `${mailbox}: ${login}: ${what}`);
        lines.push(
          `${checked.length} mailboxes, ${delegates} delegations in force: ${differences.length === 0 ? 'all as it should be' : `${differences.length} differences`}`,
        );
        out.result({ mailboxes: checked.length, delegations: delegates, differences }, lines.join('\n'));
        return differences.length === 0 ? EXIT.done : EXIT.failed;
      }),
    );
}
