/** Each listed guard is where the list says; and of a few, chosen anew each time, that a test notices when they are gone. `npm run proof:guards` tries all. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { allGuards } from './guards/all-guards.ts';
import type { Guard } from './guards/guard.ts';
import { copyOfTree, runWithout } from './guards/run-guard.ts';

const TREE = process.cwd();
const guards = allGuards(TREE);
const SAMPLE = 3;

t.test('every guard stands where the list says, and can be taken out', async (t) => {
  t.ok(guards.length > 150, `${guards.length} guards`);
  for (const guard of guards) {
    const source = readFileSync(join(TREE, guard.file), 'utf8');
    t.doesNotThrow(() => t.not(guard.without(source), source), guard.name);
    t.ok(guard.tests.length > 0, `${guard.name}: a test is named`);
  }
  t.equal(new Set(guards.map(({ name }) => name)).size, guards.length, 'each has a name of its own');
});

t.test('a few of them, out', async (t) => {
  // The quick ones: those that need no server.
  const quick = guards.filter(({ tests }) => tests.every((test) => test.startsWith('tests/acl/')));
  const chosen: Guard[] = [];
  while (chosen.length < SAMPLE) {
    const [one] = quick.splice(Math.floor(Math.random() * quick.length), 1);
    if (one !== undefined) chosen.push(one);
  }
  const copy = copyOfTree(TREE);
  t.teardown(() => copy.remove());
  for (const guard of chosen) {
    const outcome = await runWithout(guard, copy.directory);
    t.equal(outcome.kind, 'caught', `${guard.name}: ${outcome.kind === 'caught' ? outcome.by : 'no test has noticed'}`);
  }
});
