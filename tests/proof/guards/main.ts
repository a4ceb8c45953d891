/**
 * `npm run proof:guards -- [--only WORDS] [--write]`: takes out one guard at a time and runs the tests that are for it. One of them must fail;
 * where none does, a test is missing, and the exit status is 1. `--write`: docs/guards.md.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { allGuards } from './all-guards.ts';
import type { Guard } from './guard.ts';
import { guardsPage, type Row } from './page.ts';
import { copyOfTree, runWithout } from './run-guard.ts';

const TREE = fileURLToPath(new URL('../../../', import.meta.url));
/** So many copies of the tree are worked on side by side. */
const AT_ONCE = 2;

const { values } = parseArgs({ options: { only: { type: 'string' }, write: { type: 'boolean', default: false } } });
const chosen = allGuards(TREE).filter(({ name }) => name.includes(values.only ?? ''));
const rows = new Map<Guard, Row>();
const waiting = [...chosen];

async function work(): Promise<void> {
  const copy = copyOfTree(TREE);
  try {
    for (let guard = waiting.shift(); guard !== undefined; guard = waiting.shift()) {
      const outcome = await runWithout(guard, copy.directory);
      rows.set(guard, { guard, outcome });
      const noticed =
        outcome.kind === 'caught'
          ? `caught by ${outcome.by}`
          : guard.behind
            ? `behind another: ${guard.behind}`
            : 'NOBODY NOTICED';
      console.log(`${rows.size}/${chosen.length} ${guard.name}: ${noticed}`);
    }
  } finally {
    copy.remove();
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, work));
const found = chosen.flatMap((guard) => rows.get(guard) ?? []);
const survivors = found.filter(({ guard, outcome }) => outcome.kind === 'survived' && guard.behind === undefined);
if (values.write) writeFileSync(join(TREE, 'docs/guards.md'), guardsPage(found));
console.log(`${found.length} guards taken out, ${survivors.length} of them noticed by no test`);
process.exitCode = survivors.length === 0 ? 0 : 1;
