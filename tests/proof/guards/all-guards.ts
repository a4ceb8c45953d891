/** Every guard that is listed. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ACCESS_GUARDS } from './access-guards.ts';
import type { Guard } from './guard.ts';
import { OTHER_GUARDS } from './other-guards.ts';
import { POLICY_GUARDS } from './policy-guards.ts';
import { tableGuards } from './table-guards.ts';

/** Where the table's own rules are tried. schema.test.ts compares their text, which says nothing of what they do. */
const NOT = ['schema.test.ts'];

const shell = (test: string) => Number(test.includes('/table-shell-'));

/** `tree`: the project's root. */
export function allGuards(tree: string): readonly Guard[] {
  const testsIn = (directory: string) =>
    readdirSync(join(tree, directory))
      .filter((name) => name.endsWith('.test.ts') && !NOT.includes(name))
      .map((name) => `${directory}/${name}`);
  const table = tableGuards(
    // Those that write what no program of ours would write notice most.
    [...testsIn('tests/store/table').sort((a, b) => shell(b) - shell(a)), ...testsIn('tests/safeguards')],
    [...testsIn('tests/store/contract'), ...testsIn('tests/cli')],
  );
  return [...POLICY_GUARDS, ...table, ...ACCESS_GUARDS, ...OTHER_GUARDS];
}
