import { join } from 'node:path';
import type { Command } from 'commander';
import { senderMap } from '../bridge/sender/configured.ts';
import { sealKey } from '../bridge/store/audit.ts';
import { initialise } from '../bridge/store/files.ts';
import type { Runner } from './runner.ts';

export function initCommand(program: Command, run: Runner): void {
  program
    .command('init')
    .description('make the databases, or migrate them; never empties or replaces one')
    .action(
      run(async ({ out, config, files }) => {
        const made = [...initialise(files)];
        sealKey(files.sealKey);
        const senders = senderMap(config, files);
        senders?.close();
        const lines = made.map(({ file, what, from, to }) => {
          const did =
            from === 0
              ? 'made'
              : from === to
                ? `there already, version ${to}`
                : `migrated from version ${from} to ${to}`;
          return `${file}: ${what}, ${did}`;
        });
        if (senders !== undefined)
          lines.push(`${join(files.senderDirectory, 'sender.db')}: the sender map that Postfix reads`);
        out.result({ files: made, sender: senders === undefined ? null : files.senderDirectory }, lines.join('\n'));
        return undefined;
      }),
    );
}
