import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { makeRuleFile, publishesAs, senderMap } from '../bridge/sender/configured.ts';
import { impassable, SENDER_FILE, senderMapExists } from '../bridge/sender/postfix-sqlite.ts';
import { sealKey } from '../bridge/store/audit.ts';
import { initialise } from '../bridge/store/files.ts';
import { type Runner, sentence } from './runner.ts';

export function initCommand(program: Command, run: Runner): void {
  program
    .command('init')
    .description('make the databases, or migrate them; never empties or replaces one')
    .action(
      run(async ({ out, config, files }) => {
        const made = [...initialise(files)];
        sealKey(files.sealKey);
        const before = senderMapExists(files.senderDirectory);
        const senders = senderMap(config, files);
        const ruleFile = senders === undefined ? undefined : await makeRuleFile(config, senders);
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
        let unreachable: readonly string[] = [];
        if (senders !== undefined) {
          const file = join(files.senderDirectory, SENDER_FILE);
          const forPostfix = publishesAs(config, 'postfix-sqlite');
          const what = forPostfix ? 'the sender map that Postfix reads' : 'the sender rules, as they are published';
          lines.push(`${file}: ${what}, ${before ? 'there already' : 'made'}`);
          if (ruleFile !== undefined) lines.push(`${ruleFile}: the same for another program, made`);
          if (forPostfix) unreachable = impassable(files.senderDirectory, statSync(file).gid);
        }
        const sender = senders === undefined ? null : files.senderDirectory;
        out.result({ files: made, sender, unreachable }, lines.join('\n'));
        for (const directory of unreachable) {
          const mode = (statSync(directory).mode & 0o7777).toString(8);
          out.warn(
            sentence({
              message: `group ${config.senderRules?.group} may not pass through ${directory} (mode ${mode}): where Postfix can't reach the map, it refuses all mail of users who have logged in`,
              hint: `chmod o+x ${directory}`,
              rule: undefined,
            }),
          );
        }
        return undefined;
      }),
    );
}
