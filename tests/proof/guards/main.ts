/**
 * `npm run proof:guards -- [--only WORDS] [--on servers|others] [--missing] [--most N] [--at-once N] [--record]`: takes out one guard at a time and runs
 * the tests that are for it. One of them must fail; where none does, a test is missing, and the exit status is 1. `--missing`: only those that
 * no test is recorded for; `--most`: no more than so many of them, chosen by chance; `--record`: what is found goes into results.json, and docs/guards.md is made anew; `--page`: only that.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { allGuards } from './all-guards.ts';
import type { Guard } from './guard.ts';
import { guardsPage } from './page.ts';
import { type Results, readResults, record } from './results.ts';
import { copyOfTree, type Outcome, passing, runWithout } from './run-guard.ts';

const TREE = fileURLToPath(new URL('../../../', import.meta.url));

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    on: { type: 'string' },
    missing: { type: 'boolean', default: false },
    most: { type: 'string' },
    'at-once': { type: 'string', default: '2' },
    record: { type: 'boolean', default: false },
    page: { type: 'boolean', default: false },
  },
});

const all = allGuards(TREE);
const names = all.map(({ name }) => name);
const onServers = ({ tests }: Guard) => tests.some((test) => test.startsWith('tests/servers/'));

/** It is known which test notices, or that none can. */
function settled({ name, behind }: Guard, known: Results): boolean {
  const result = known[name];
  return result !== undefined && (result.test !== null || behind !== undefined);
}

function chosen(): readonly Guard[] {
  const known = readResults(TREE);
  const found = all.filter(
    (guard) =>
      guard.name.includes(values.only) &&
      (values.on === undefined || onServers(guard) === (values.on === 'servers')) &&
      !(values.missing && settled(guard, known)),
  );
  if (values.most === undefined) return found;
  // One that stays unclear isn't in the way of the others.
  const mixed = found.map((guard) => ({ guard, order: Math.random() })).sort((a, b) => a.order - b.order);
  return mixed.slice(0, Number(values.most)).map(({ guard }) => guard);
}

function told(guard: Guard, outcome: Outcome): string {
  switch (outcome.kind) {
    case 'caught':
      return `caught by ${outcome.test}: ${outcome.assertion} (${outcome.seconds} s)`;
    case 'unclear':
      return `UNCLEAR: ${outcome.why}`;
    case 'survived':
      return guard.behind ? `behind another: ${guard.behind}` : 'NOBODY NOTICED';
  }
}

async function takeOut(guards: readonly Guard[]): Promise<void> {
  const waiting = [...guards];
  const open: string[] = [];
  let done = 0;
  const work = async () => {
    const copy = copyOfTree(TREE);
    const passes = passing(copy.directory);
    try {
      for (let guard = waiting.shift(); guard !== undefined; guard = waiting.shift()) {
        const outcome = await runWithout(guard, copy.directory, passes);
        if (outcome.kind === 'unclear' || (outcome.kind === 'survived' && guard.behind === undefined))
          open.push(guard.name);
        if (values.record) record(TREE, names, guard.name, outcome);
        console.log(`${++done}/${guards.length} ${guard.name}: ${told(guard, outcome)}`);
      }
    } finally {
      copy.remove();
    }
  };
  await Promise.all(Array.from({ length: Number(values['at-once']) }, work));
  console.log(`${done} guards taken out, ${open.length} of them noticed by no test or unclear`);
  process.exitCode = open.length === 0 ? 0 : 1;
}

if (!values.page) await takeOut(chosen());
if (values.page || values.record) writeFileSync(join(TREE, 'docs/guards.md'), guardsPage(all, readResults(TREE)));
