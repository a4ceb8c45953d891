/**
 * What the scripts need alike: each walks the words before the cursor to the command that is being written, and its path
 * (`mailbox alias add`) decides what may follow.
 */
import type { CommandDefinition } from '../definitions.ts';

/** Patterns of `case` for the paths of all commands. */
export function knownPaths(commands: readonly CommandDefinition[]): string {
  return commands
    .filter(({ path }) => path !== '')
    .map(({ path }) => `'${path}'`)
    .join('|');
}

/** Options that stand before the command and have a value, which is no command whatever it says. */
export function leadingOptions([program]: readonly CommandDefinition[]): readonly string[] {
  const valued = program?.options.filter(({ value }) => value !== undefined) ?? [];
  return valued.flatMap(({ flags }) => flags);
}

/** Options whose value is a file, those of all commands: they mean the same everywhere. */
export function fileOptions(commands: readonly CommandDefinition[]): string {
  const flags = commands.flatMap(({ options }) =>
    options.flatMap(({ flags, value }) => (value === 'file' ? flags : [])),
  );
  return [...new Set(flags)].join('|');
}

/** Branches of `case "$path $before"`: what an option's value may be, where it is one of a few words. */
export function valueBranches(
  commands: readonly CommandDefinition[],
  branch: (choices: readonly string[]) => string,
): string {
  const branches = commands.flatMap(({ path, options }) =>
    options
      .filter(({ choices }) => choices.length > 0)
      .map(({ flags, choices }) => `    ${flags.map((flag) => `'${path} ${flag}'`).join('|')}) ${branch(choices)} ;;`),
  );
  return branches.join('\n');
}
