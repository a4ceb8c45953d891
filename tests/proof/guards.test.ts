/** Each listed guard is where the list says; and of a few, chosen anew each time, that a test notices when they are gone. `npm run proof:guards` tries all. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from 'esbuild';
import t from 'tap';
import { allGuards } from './guards/all-guards.ts';
import { readResults } from './guards/results.ts';
import { copyOfTree, runWithout } from './guards/run-guard.ts';

const TREE = process.cwd();
const guards = allGuards(TREE);
/** Another one is begun within this time. */
const BEGIN_MS = 8_000;
const MOST = 8;

t.test('every guard stands where the list says, and can be taken out', async (t) => {
  t.ok(guards.length > 150, `${guards.length} guards`);
  for (const guard of guards) {
    const source = readFileSync(join(TREE, guard.file), 'utf8');
    t.doesNotThrow(() => t.not(guard.without(source), source), guard.name);
    await t.resolves(transform(guard.without(source), { loader: 'ts' }), `${guard.name}: a program without it`);
    t.ok(guard.tests.length > 0, `${guard.name}: a test is named`);
  }
  t.equal(new Set(guards.map(({ name }) => name)).size, guards.length, 'each has a name of its own');
});

t.test('a few of them, out', async (t) => {
  // The quick ones: those that need no server. The test that noticed last time is asked first.
  const results = readResults(TREE);
  const waiting = guards.flatMap((guard) => {
    const test = results[guard.name]?.test;
    if (typeof test !== 'string' || test.startsWith('tests/servers/')) return [];
    return { guard: { ...guard, tests: [test, ...guard.tests.filter((one) => one !== test)] }, order: Math.random() };
  });
  waiting.sort((a, b) => a.order - b.order);
  const copy = copyOfTree(TREE);
  t.teardown(() => copy.remove());
  const until = Date.now() + BEGIN_MS;
  for (const { guard } of waiting.slice(0, MOST)) {
    if (Date.now() > until) break;
    const outcome = await runWithout(guard, copy.directory);
    t.equal(
      outcome.kind,
      'caught',
      `${guard.name}: ${outcome.kind === 'caught' ? outcome.test : 'no test has noticed'}`,
    );
  }
});
